"""``rigbind embed``: how alike pictures, sounds, other recordings and sentences are."""

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from operators.encoders.show import draw
from operators.space import Space, sense_of
from pipeline.commands.console import make_console, refusing
from pipeline.messages import Array, Execution

Dtype = Literal["float32", "bfloat16", "float16"]


def embed(
    things: Annotated[list[str], typer.Argument(help="Files, MODALITY:FILE where a file does not say, or sentences.")],
    model: Annotated[str, typer.Option(help="A preset: mini, imagebind:WEIGHTS, openclip:MODEL/TAG.")] = "mini",
    dtype: Annotated[Dtype, typer.Option(help="Numbers that the towers compute in.")] = "float32",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")] = "auto",
    compat: Annotated[bool, typer.Option(help="ImageBind's own scaled vectors: logits instead of cosines.")] = False,
    show: Annotated[Path | None, typer.Option(help="Folder to draw into what the towers see.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the vectors as one JSON object.")] = False,
) -> None:
    """Embed things of any sense and print how alike they are: the cosine of every pair."""
    space = Space(model, Execution(device=device, dtype=dtype), compat)
    with refusing():
        vectors_ND = _embedded(space, things)
        if show:
            _draw(space, things, show)
    likeness_NN = vectors_ND @ vectors_ND.T
    if as_json:
        print(json.dumps({"things": things, "vectors": vectors_ND.tolist(), "similarity": likeness_NN.tolist()}))
    else:
        make_console().print(_table(things, likeness_NN))


def _embedded(space: Space, things: list[str]) -> Array:
    """Return (N, D), with a bar for towers that take their time."""
    rows = []
    console = make_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for thing in progress.track(things, description="embedding"):
            rows.append(space.embed(thing)[0])
    return np.stack(rows)


def _draw(space: Space, things: list[str], folder: Path) -> None:
    """Write one picture per thing: what its tower sees."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, thing in enumerate(things, 1):
        modality, what = sense_of(thing)
        path = folder / f"{number}-{modality}.png"
        draw(space.encoder(modality), space.prepared(modality, what)[0], path)
        print(path)


def _table(things: list[str], likeness_NN: Array) -> Table:
    """Return every pair's cosine, each row's thing beside its number."""
    table = Table("", "", *(str(number) for number in range(1, len(things) + 1)))
    for number, (thing, row) in enumerate(zip(things, likeness_NN, strict=True), 1):
        name = escape(thing if len(thing) <= 60 else f"{thing[:59]}…")
        table.add_row(str(number), name, *(f"{value:.3f}" for value in row))
    return table
