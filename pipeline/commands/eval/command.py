"""``rigbind eval SET DIR``: one set's protocol on the recordings in a folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec.structs import replace
from rich.markup import escape
from rich.progress import Progress

from operators.evaluation.anomaly_sets import ANOMALY_SETS
from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, finite
from operators.evaluation.protocols import PROTOCOLS
from operators.evaluation.published import PUBLISHED
from operators.sets.item import Item, split
from operators.space import Space
from pipeline.commands.bench.report import Aim, JsonOption, publish
from pipeline.commands.console import make_console, refusing
from pipeline.commands.eval.plots import draw
from pipeline.commands.eval.simulator import evaluate as evaluate_simulator
from pipeline.commands.eval.tables import published_table, rich_table, sets_table
from pipeline.commands.sets import items_of
from pipeline.errors import InputError
from pipeline.messages import Execution

Dtype = Literal["float32", "bfloat16", "float16"]

MINI = "mini"
"""The model that comes along; the aims are its own."""

SIGNALS = "signals"
"""What watches raw signals goes by this name in figures, as it has no model."""

NAMED = 5
"""Things that could not be read and are named; of the others the number is given."""


def eval(
    set: Annotated[str, typer.Argument(help="A set, or `simulator`; without one, all sets are listed.")] = "",
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Recordings in the layout of that set.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A preset, or MODALITY=PRESET for each modality: mini, imagebind:FILE, openclip:MODEL/TAG."),
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(help="A folder of that layout whose examples may be learned from.")
    ] = None,
    learned: Annotated[
        float, typer.Option(help="The share of the folder that the model has learned from: only the rest is tested.")
    ] = 0.0,
    seeds: Annotated[str, typer.Option(help="Of the simulator: A:B are the worlds A to B - 1.")] = "1000:1002",
    seconds: Annotated[float, typer.Option(help="Of the simulator: how long each world is looked at.")] = 120.0,
    calm: Annotated[
        float,
        typer.Option(
            help="Of the simulator: so many calm seconds come before, to judge events as well, after 200 s false "
            "alarms too; 0: none, and tags alone."
        ),
    ] = 300.0,
    promise: Annotated[float, typer.Option(help="Of the simulator: false alarms a day that are promised.")] = 24.0,
    json: JsonOption = None,
    plot: Annotated[Path | None, typer.Option(help="Draw bars, curves and confusions into this PNG.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="A folder that keeps vectors, so that a run that was stopped goes on.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")] = "auto",
    dtype: Annotated[Dtype, typer.Option(help="Numbers that the towers compute in.")] = "float32",
) -> None:
    """Test a model on the recordings of a set, by the set's own protocol."""
    if not set:
        make_console().print(sets_table())
        return
    with refusing():
        if set in ANOMALY_SETS:
            _evaluate_signals(set, folder, fit, json, plot)
            return
        names = _model(model or [MINI])
        space = Space(names, Execution(device=device, dtype=dtype))
        with _embedder(space, cache) as embedder:
            outcome, aims = _evaluate(embedder, set, folder, fit, learned, (seeds, seconds, calm, promise))
        _tell(set, outcome, embedder)
        figures = finite(outcome.figures) | {"unread": float(len(embedder.unread))}
        asked = {name: aim for name, aim in aims.items() if name in figures and names == MINI}
        publish(f"eval {set}", figures, asked, json, model=_written(names))
        if plot is not None:
            draw(outcome, f"{set}, {_written(names)}", plot)


def _evaluate_signals(name: str, folder: Path | None, fit: Path | None, json: Path | None, plot: Path | None) -> None:
    """Test what watches raw signals, which has no model, beside what others use."""
    anomalies = ANOMALY_SETS[name]
    folder = _folder(name, folder, fit)
    outcome = anomalies.run(anomalies.read(folder), anomalies.read(fit) if fit else ())
    _print_tables(outcome)
    figures = finite(outcome.figures)
    publish(f"eval {name}", figures, {key: aim for key, aim in anomalies.aims.items() if key in figures}, json, SIGNALS)
    if plot is not None:
        draw(outcome, f"{name}, {SIGNALS}", plot)


def _evaluate(
    embedder: Embedder,
    name: str,
    folder: Path | None,
    fit: Path | None,
    learned: float,
    worlds: tuple[str, float, float, float],
) -> tuple[Outcome, Mapping[str, Aim]]:
    if name == "simulator":
        return evaluate_simulator(embedder, *worlds)
    if name not in PROTOCOLS and (close := get_close_matches(name, [*PROTOCOLS, *ANOMALY_SETS], 1)):
        raise InputError(f"there is no set {name!r}; did you mean {close[0]}?")
    folder = _folder(name, folder, fit)
    known, items = _parts(items_of(name, folder), learned)
    protocol = PROTOCOLS[name]
    if fit is not None and not protocol.learns:
        make_console().print(f"--fit changes nothing: in the protocol of {name} nothing is learned")
    elsewhere = items_of(name, fit) if fit is not None and protocol.learns else []
    examples = [replace(item, name=f"fit/{item.name}", is_elsewhere=bool(elsewhere)) for item in elsewhere or known]
    outcome = protocol.run(embedder, items, examples)
    return outcome, protocol.aims


def _folder(name: str, folder: Path | None, fit: Path | None) -> Path:
    """Return the folder to test on, which is there and not the one to learn from."""
    if folder is None:
        raise InputError(f"`rigbind eval {name}` needs a folder with recordings of that set")
    if fit is not None and fit.resolve() == folder.resolve():
        raise InputError(f"--fit {fit} is the folder that is tested: what was learned from must not be tested on")
    for each in (folder, fit):
        if each is not None and not each.is_dir():
            raise InputError(f"{each}: there is no such folder")
    return folder


def _parts(items: list[Item], learned: float) -> tuple[list[Item], list[Item]]:
    """Return what a model has learned from, that share of a set's groups, and the rest."""
    if not 0 <= learned < 1:
        raise ValueError(f"--learned {learned:g} is no share from 0 to below 1")
    return split(items, learned)


def _model(words: list[str]) -> str | dict[str, str]:
    """Return one preset, or one for each modality.

    >>> _model(["imagebind:a=b.pth"]), _model(["vision=openclip:RN50/openai", "text=mini"])
    ('imagebind:a=b.pth', {'vision': 'openclip:RN50/openai', 'text': 'mini'})
    """
    if len(words) == 1 and "=" not in words[0].partition(":")[0]:
        return words[0]
    parts = dict(word.partition("=")[::2] for word in words)
    if wrong := [word for word in words if "=" not in word.partition(":")[0]]:
        raise ValueError(f"--model {wrong[0]!r} is beside others, so it has to say its modality: vision={wrong[0]}")
    return parts


def _written(model: str | Mapping[str, str]) -> str:
    return model if isinstance(model, str) else ", ".join(f"{modality}={name}" for modality, name in model.items())


@contextmanager
def _embedder(space: Space, cache: Path | None) -> Iterator[Embedder]:
    """Give an embedder that shows how far it is."""
    console = make_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(escape(what), total=of)
            progress.update(tasks[what], completed=done, total=of)

        yield Embedder(space, cache, tell)


def _tell(name: str, outcome: Outcome, embedder: Embedder) -> None:
    """Print the rows, what others published, and what could not be read."""
    console = make_console()
    _print_tables(outcome)
    if name in PUBLISHED:
        console.print(published_table(name, outcome.figures))
    print_line = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    for sentence in embedder.unread[:NAMED]:
        print_line(f"not read: {sentence}")
    if (more := len(embedder.unread) - NAMED) > 0:
        print_line(f"not read: {more} more")


def _print_tables(outcome: Outcome) -> None:
    for table in outcome.tables:
        make_console().print(rich_table(table))
