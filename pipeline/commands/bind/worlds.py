"""Pairs from simulated worlds: what their senses record at one time, and what happens then."""

from collections import Counter
from typing import Literal

import msgspec
from msgspec import Struct

from operators.sets.item import Item
from pipeline.commands.bind.found import BETWEEN, Found, Wanted, block_of, paired
from pipeline.commands.bind.shelf import Shelf
from pipeline.commands.eval.simulator import SENTENCES, seeds_of
from pipeline.commands.mini.worlds import Lesson, lessons
from pipeline.config import NotNegative, Positive
from sensors.simulator import Variant
from sensors.simulator.scenario import SENSED


class Simulator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The worlds ``A:B``, ``seconds`` of each; ``both`` lets drones fly in odd ones, as `rigbind eval simulator` does.

    A sense that lies, or of which it is hard to say what is true, has no part in a window. A world is a group; with
    ``block_s``, each block of so many seconds is one, without the last ``gap_s`` of it.
    """

    kind: Literal["simulator"] = "simulator"
    seeds: str = "0:4"
    variant: Literal["rover", "drone", "both"] = "both"
    seconds: Positive = 120.0
    block_s: NotNegative = 0.0
    gap_s: NotNegative = 10.0

    def find(self, wanted: Wanted) -> list[Found]:
        """Return the windows of each world. Raise ValueError for senses that a simulated rig has not."""
        if self.block_s and not self.gap_s < self.block_s:
            raise ValueError(f"gap_s {self.gap_s:g} leaves nothing of a block_s of {self.block_s:g}")
        if lacking := [sense for sense in wanted.senses if sense not in SENSED]:
            raise ValueError(f"a simulated rig has {', '.join(SENSED)}, no {', '.join(lacking)}")
        worlds = seeds_of(self.seeds, "seeds")
        return [self._find(seed, wanted) for seed in worlds]

    def _find(self, seed: int, wanted: Wanted) -> Found:
        variant: Variant = ("drone" if seed % 2 else "rover") if self.variant == "both" else self.variant
        source = f"simulator, {variant} {seed}"
        settings = (source, self.seconds, self.block_s, self.gap_s, wanted.senses)
        shelf = Shelf(wanted.kept, msgspec.json.encode(settings).decode())
        items, refused = shelf.items() or self._look(shelf, source, seed, variant, wanted)
        return paired(source, items, wanted, refused)

    def _look(
        self, shelf: Shelf, source: str, seed: int, variant: Variant, wanted: Wanted
    ) -> tuple[list[Item], Counter[str]]:
        refused = Counter[str]()
        for number, window in enumerate(lessons(seed, variant, self.seconds)):  # one a second
            wanted.tell(source, number, round(self.seconds))
            block = block_of(number, self.block_s, self.gap_s) if self.block_s else 0
            if block is None:
                refused[BETWEEN] += 1
                continue
            told = {sense: lesson for sense in wanted.senses if (lesson := window.get(sense)) is not None}
            labels = _labels(told)
            captions = [SENTENCES[label][0] for label in labels]
            clips = {sense: lesson.clip for sense, lesson in told.items()}
            shelf.put(f"{source}, window {number}", clips, f"{source} {block}", " and ".join(labels), captions)
        return shelf.finish(refused)


def _labels(told: dict[str, Lesson]) -> list[str]:
    """Return what is true of what any of the senses can tell."""
    return sorted({label for lesson in told.values() for label in lesson.labels})
