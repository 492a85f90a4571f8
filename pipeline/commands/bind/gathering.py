"""All pairs of a binding: found by source, refused by cause, parted into what is learned from and what is held out."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from operators.binding.recipe import Recipe
from operators.sets.item import Item, split
from pipeline.commands.bind.config import Source
from pipeline.commands.bind.found import Found, Wanted
from pipeline.errors import InputError, PipelineError


def found_in(sources: Sequence[Source], wanted: Wanted, path: Path) -> list[Found]:
    """Ask every source. Raise InputError with the place in the file ``path`` of one that cannot answer."""
    found: list[Found] = []
    for index, source in enumerate(sources):
        try:
            found += source.find(wanted)
        except (ValueError, OSError, PipelineError) as error:
            raise InputError(f"{path}: sources[{index}]: {error}") from error
    return found


def tell_found(console: Console, found: Sequence[Found]) -> None:
    """Print the pairs of each source, and beside them what is none."""
    table = Table("source", "pairs", "passed over", title="pairs", title_justify="left")
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    for each in found:
        causes = "\n".join(f"{number} × {cause}" for cause, number in each.refused.items())
        table.add_row(escape(each.source), str(len(each.items)), escape(causes))
    console.print(table)


def parted(found: Sequence[Found], recipe: Recipe) -> tuple[list[Item], list[Item]]:
    """Return what is learned from and what is held out. Raise ValueError where one of them is too little."""
    items = [item for each in found for item in each.items]
    if not items:
        raise ValueError("no source has a pair: there is nothing to learn from")
    learned, held = split(items, 1 - recipe.held)
    if not held or not learned:
        groups = len({item.group or item.name for item in items})
        raise ValueError(
            f"{len(items)} pairs are of {groups} groups, too few to learn from some and to hold out others by"
            f" recipe.held = {recipe.held:g}: add recordings, or make their blocks shorter"
        )
    if len(learned) < 2 * recipe.batch:
        raise ValueError(
            f"{len(learned)} pairs to learn from are less than two batches of {recipe.batch}:"
            f" record more, or set recipe.batch to {max(2, len(learned) // 2)}"
        )
    return learned, held
