"""Pairs from recordings: what a rig sensed at one time, by the synchronizer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image

from pipeline.commands.bind.found import BETWEEN, TEXT, Found, Wanted, block_of, paired
from pipeline.commands.bind.shelf import Shelf
from pipeline.commands.windows import channels_of, windows_of
from pipeline.config import Channel, NotNegative, Positive, Topic, Windowing, load
from pipeline.errors import LogError
from pipeline.ledger import Ledger
from pipeline.messages import NS, Array, Clip, Window

LENGTH_S = 2.0
"""Of a window; its pictures are those nearest to its middle."""

STILL = ("vision", "depth", "thermal")

COVERED = 0.5
"""A clip of sound or motion with a larger hole is no pair."""

EDGE = 448
"""Pixels that a picture's shorter edge keeps at least: twice what towers look at."""


class Recording(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Logs that ``rigbind replay`` reads; ``path`` may be a pattern such as ``day/*.mcap``.

    The channels are those of ``rig``, or what the log tells of itself; ``topics`` are those to choose from where there
    are several of a sense. A pair every ``every_s``; pictures that belong together are at most ``near_s`` apart.
    A block of ``block_s`` is learned from or tested on as a whole, and the ``gap_s`` before the next are neither.
    """

    kind: Literal["recording"] = "recording"
    path: str
    rig: str = ""
    topics: list[Topic] = []
    every_s: Positive = 1.0
    near_s: NotNegative = 0.1
    block_s: Positive = 60.0
    gap_s: NotNegative = 10.0

    def find(self, wanted: Wanted) -> list[Found]:
        """Return the pairs of each log, or why it has none. Raise ValueError if there is no log of that name."""
        if not self.gap_s < self.block_s:
            raise ValueError(f"gap_s {self.gap_s:g} leaves nothing of a block_s of {self.block_s:g}")
        path = Path(self.path)
        paths = [path] if path.exists() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not paths:
            raise ValueError(f"path {self.path!r}: there is no such log")
        return [self._find(path, wanted) for path in paths]

    def _find(self, path: Path, wanted: Wanted) -> Found:
        source = f"recording {path}"
        try:
            channels = load(Path(self.rig)).channels if self.rig else channels_of(path)
        except LogError as error:
            return Found(source=source, items=[], refused=Counter({str(error): 1}))
        if wanted.anchor == TEXT:
            return Found(source=source, items=[], refused=Counter({"the log says nothing in words": 1}))
        chosen = self._chosen(channels, wanted)
        if lacking := [sense for sense in wanted.senses if sense not in chosen]:
            there = ", ".join(dict.fromkeys(channel.modality for channel in channels)) or "nothing that can be read"
            return Found(source=source, items=[], refused=Counter({f"the log has {there}, no {', '.join(lacking)}": 1}))
        told = path.stat()
        settings = replace(self, path="", rig="")
        key = msgspec.json.encode((str(path.resolve()), told.st_size, told.st_mtime_ns, settings, chosen)).decode()
        shelf = Shelf(wanted.kept, key)
        items, refused = shelf.items() or self._cut(path, chosen, wanted, shelf)
        return paired(source, items, wanted, refused)

    def _chosen(self, channels: Sequence[Channel], wanted: Wanted) -> dict[str, Channel]:
        """Return the first channel of each sense."""
        chosen: dict[str, Channel] = {}
        for channel in channels:
            if channel.modality in wanted.senses and (not self.topics or channel.topic in self.topics):
                is_still = channel.modality in STILL
                chosen.setdefault(channel.modality, replace(channel, context_s=None) if is_still else channel)
        return chosen

    def _cut(self, path: Path, chosen: Mapping[str, Channel], wanted: Wanted, shelf: Shelf) -> Any:
        ledger, refused, first = Ledger(), Counter[str](), 0
        try:
            for window in windows_of(path, list(chosen.values()), self._windowing(), ledger):
                first = first or window.start
                at_s = (window.start - first) / NS
                clips = {clip.modality: _shrunk(clip) for clip in window.clips.values()}
                if why := self._refusal(window, clips, wanted, at_s):
                    refused[why] += 1
                else:
                    shelf.put(f"{path} {at_s:.2f} s", clips, f"{path} {block_of(at_s, self.block_s, self.gap_s)}")
                wanted.tell(f"{path.name}", round(at_s), 0)
        except LogError as error:
            refused[str(error)] += 1
        for topic in ledger.topics:
            refused.update({f"{topic} {detail}": number for detail, number in ledger.details(topic).items()})
        return shelf.finish(refused)

    def _windowing(self) -> Windowing:
        length_s = max(LENGTH_S, self.every_s)
        context_s = Windowing().context_s | dict.fromkeys(STILL, 0.0)
        context_s = {sense: seconds and max(seconds, self.every_s) for sense, seconds in context_s.items()}
        return Windowing(length_s=length_s, stride_s=self.every_s, context_s=context_s)

    def _refusal(self, window: Window, clips: Mapping[str, Clip], wanted: Wanted, at_s: float) -> str:
        """Return why a window is no pair, in words to count by."""
        if absent := [sense for sense in wanted.senses if sense not in clips]:
            return f"windows without {' and '.join(absent)}"
        if block_of(at_s, self.block_s, self.gap_s) is None:
            return BETWEEN
        stamps = [clips[sense].samples[0].stamp for sense in wanted.senses if sense in STILL]
        if stamps and max(stamps) - min(stamps) > self.near_s * NS:
            return f"windows whose pictures are more than {self.near_s:g} s apart"
        holes = [sense for sense in wanted.senses if sense not in STILL and clips[sense].coverage < COVERED]
        return f"windows that lack half of their {' and '.join(holes)}" if holes else ""


def _shrunk(clip: Clip) -> Clip:
    """Return a clip of pictures no larger than towers can use."""
    if clip.modality != "vision":
        return clip
    return replace(clip, samples=tuple(replace(sample, data=_smaller(sample.data)) for sample in clip.samples))


def _smaller(picture: Array) -> Array:
    factor = min(picture.shape[:2]) // EDGE
    return np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture
