"""``rigbind bind CONFIG``: find pairs, learn from them, and say what was learned and how to use it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from operators.binding.augment import widened
from operators.binding.pairs import Pairs, gathered
from operators.binding.recipe import Recipe, recipe_for
from operators.binding.trainer import Progress as Step
from operators.binding.trainer import Trainer
from operators.evaluation.embedder import Embedder
from operators.space import Space
from pipeline.build import check
from pipeline.commands.assembly import model_parts
from pipeline.commands.bench.report import publish
from pipeline.commands.bind.config import Binding, Source, load
from pipeline.commands.bind.curves import draw
from pipeline.commands.bind.figures import chance, found_again
from pipeline.commands.bind.found import Tell, Wanted
from pipeline.commands.bind.gathering import found_in, parted, tell_found
from pipeline.commands.bind.lines import lines
from pipeline.commands.bind.workers import learn_together
from pipeline.commands.console import make_console, refusing
from pipeline.config import Part
from pipeline.errors import ConfigError

NAMED = 5
"""Things that could not be read and are named; of the others the number is given."""


def bind(
    config: Annotated[Path, typer.Argument(help="The binding's TOML file; docs/binding.md says what is in it.")],
) -> None:
    """Teach a sense's encoder to say what the anchor says; what was stopped goes on where it was."""
    with refusing():
        binding, sources = load(config)
        Session(config, binding).run(sources)


class Session:
    """One binding: its encoders, its recipe, and where it prints."""

    def __init__(self, path: Path, binding: Binding) -> None:
        self.path, self.binding, self.out = path, binding, Path(binding.out)
        self.console = make_console()
        self.parts = _parts(path, binding)
        self.recipe = _recipe(path, binding)
        named = {modality: {"use": part.use, "params": part.params} for modality, part in self.parts.items()}
        self.space = Space({}, binding.model.execution, encoders=named)
        self.encoder: Any = self.space.encoder(binding.modality)
        if not hasattr(self.encoder, "network") or not hasattr(self.encoder, "store"):
            use = self.parts[binding.modality].use
            raise ValueError(f"{use} cannot be bound: it has no network() to be trained, or no store() to keep it by")

    def run(self, sources: list[Source]) -> None:
        """Do all of it."""
        learned, held = self._pairs(sources)
        before = found_again(self.encoder.embed(held.inputs), held.anchors)
        trainer = self._trainer(learned, held)
        if self.binding.workers > 1:
            self._learn(trainer, partial(self._together, (learned, held)))
            trainer = self._trainer(learned, held)  # where the others have come to
        else:
            self._learn(trainer, partial(_alone, trainer))
        for sentence in trainer.troubles[:NAMED]:
            self._print(sentence)
        self._report(trainer, learned, held, before)

    def _trainer(self, learned: Pairs, held: Pairs) -> Trainer:
        folder = self.out / "checkpoint"
        return Trainer(self.encoder.network(), self.binding.modality, self.recipe, learned, held, folder)

    def _together(self, pairs: tuple[Pairs, Pairs], tell: Callable[[Step], None]) -> None:
        binding, folder = self.binding, self.out / "checkpoint"
        part = self.parts[binding.modality]
        learn_together(part, binding.modality, self.recipe, pairs, folder, binding.workers, tell)

    def _pairs(self, sources: list[Source]) -> tuple[Pairs, Pairs]:
        """Return what is learned from and what is held out, as inputs and anchors."""
        anchor, modality = self.binding.anchor, self.binding.modality
        with _telling(self.console) as tell:
            wanted = Wanted(anchor=anchor, modality=modality, kept=self.out / "kept", tell=tell)
            found = found_in(sources, wanted, self.path)
        tell_found(self.console, found)
        learned, held = parted(found, self.recipe)
        with _telling(self.console) as tell:
            embedder = Embedder(self.space, self.out / "anchors", tell)
            pairs = [
                gathered(items, modality, self.encoder, embedder, anchor)
                for items in (widened(learned, modality, self.recipe), held)
            ]
        refused = [sentence for each in pairs for sentence in each.refused]
        for sentence in refused[:NAMED]:
            self._print(f"not read: {sentence}")
        if len(refused) > NAMED:
            self._print(f"not read: {len(refused) - NAMED} more")
        return pairs[0], pairs[1]

    def _learn(self, trainer: Trainer, learn: Callable[[Callable[[Step], None]], None]) -> None:
        if trainer.history:
            self._print(f"going on after step {trainer.history[-1].step} of {trainer.steps}")
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as progress:
            task = progress.add_task("binding", total=trainer.steps)

            def tell(step: Step) -> None:
                if step.recall is not None:
                    progress.update(task, description=_told(step))
                    if not self.console.is_terminal:
                        self._print(_told(step))
                progress.update(task, completed=step.step)

            learn(tell)

    def _report(self, trainer: Trainer, learned: Pairs, held: Pairs, before: dict[str, float]) -> None:
        modality, anchor = self.binding.modality, self.binding.anchor
        after = found_again(trainer.vectors(), held.anchors)
        figures = {"learned": float(len(learned)), "held": float(len(held)), "chance_r1": chance(held.anchors)}
        figures |= {f"before_{name}": value for name, value in before.items()} | after
        figures |= {"unread": float(len(learned.refused) + len(held.refused)), "skipped": float(len(trainer.troubles))}
        title = f"{modality} to {anchor}"
        draw(trainer.history, before["r1"], figures["chance_r1"], title, self.out / "curves.png")
        part = self.parts[modality]
        publish(f"bind {title}", figures, {}, self.out / "metrics.json", model=f"{part.use} {part.params}")
        weights = self.out / f"{modality}.safetensors"
        self.encoder.store(trainer.finished(), weights)
        self._print(
            f"R@1 of what was held out, {modality} to {anchor}: {before['r1']:.3f} before, {after['r1']:.3f} now"
        )
        if after["r1"] < before["r1"]:
            self._print("that is less than before: lower recipe.rate or recipe.epochs, or record more")
        self._print(f"{weights} is used by these lines in a rig file:\n\n{lines(modality, part, weights)}")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _alone(trainer: Trainer, tell: Callable[[Step], None]) -> None:
    for step in trainer.run():
        tell(step)


def _told(step: Step) -> str:
    return f"epoch {step.epoch}: loss {step.loss:.3f}, R@1 {step.recall:.3f}"


def _parts(path: Path, binding: Binding) -> dict[str, Part]:
    """Return the encoders of both sides. Raise ConfigError with all that is wrong with them."""
    parts = model_parts(binding.model)
    mistakes = [
        f"{path}: model.encoders.{modality}: missing, and preset {binding.model.preset!r} has none"
        for modality in (binding.anchor, binding.modality)
        if modality not in parts
    ]
    for modality in (binding.anchor, binding.modality):
        if modality in parts:
            place = f"model.encoders.{modality}"
            mistakes += [f"{path}: {mistake}" for mistake in check(parts[modality], place)]
    if mistakes:
        raise ConfigError(mistakes)
    return parts


def _recipe(path: Path, binding: Binding) -> Recipe:
    try:
        return recipe_for(binding.modality, binding.recipe)
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error


@contextmanager
def _telling(console: Console) -> Iterator[Tell]:
    """Give what shows how far something is."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(escape(what), total=of or None)
            progress.update(tasks[what], completed=done)

        yield tell
