"""``rigbind search``: moments by what they look, sound, feel or are called like."""

import json
from base64 import b64encode
from html import escape
from pathlib import Path
from shlex import quote
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape as plain
from rich.table import Table

from operators.space import Space, mix
from pipeline.commands.console import make_console, refusing
from pipeline.commands.playing import Playing
from pipeline.errors import InputError
from pipeline.messages import NS, Array, Hit
from pipeline.search import Search
from pipeline.search.find import Filters, Note

LONGEST = 2000
"""Characters of a term; the text encoder reads far fewer."""


def search(
    terms: Annotated[list[str] | None, typer.Argument(help="Sentences, or files; MODALITY:FILE where it must.")] = None,
    db: Annotated[str, typer.Option(help="The index.")] = "index",
    image: Annotated[list[Path] | None, typer.Option(help="A picture to be alike.")] = None,
    sound: Annotated[list[Path] | None, typer.Option(help="A sound to be alike.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="LOG@SECONDS, a moment of an indexed log to be alike.")] = None,
    minus: Annotated[list[str] | None, typer.Option(help="A term whose meaning is taken away.")] = None,
    modality: Annotated[list[str] | None, typer.Option(help="Only rows of this sense, or `fused`.")] = None,
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
    rig: Annotated[str, typer.Option(help="Only this rig.")] = "",
    log: Annotated[str, typer.Option(help="Only this log.")] = "",
    tag: Annotated[str, typer.Option(help="Only with an event of this label.")] = "",
    after: Annotated[str, typer.Option(help="Only from this time on, as 2026-03-01T12:00.")] = "",
    before: Annotated[str, typer.Option(help="Only before this time.")] = "",
    min_anomaly: Annotated[float, typer.Option(help="Only with an anomaly of at least this score.")] = 0.0,
    note: Annotated[list[str] | None, typer.Option(help="Only with KEY=VALUE, KEY>VALUE …, of `index --note`.")] = None,
    where: Annotated[str, typer.Option(help="A condition in SQL, such as \"anomaly > 5 AND rig != 'b'\".")] = "",
    number: Annotated[int, typer.Option("-n", help="How many moments.", min=1, max=1000)] = 10,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the moments as JSON lines.")] = False,
) -> None:
    """Find moments in an index by any sense, and print the command that replays each."""
    finder = Search(db)
    with refusing():
        query_D = _query(finder, [*(terms or []), *_named(image), *_named(sound)], like or [], minus or [])
        filters = Filters(
            modalities=modality or [],
            topic=topic,
            rig=rig,
            log=log,
            tag=tag,
            after=_time(after),
            before=_time(before),
            min_anomaly=min_anomaly,
            notes=[Note.parsed(each) for each in note or []],
            where=where,
        )
    hits = finder.find(query_D, number, filters)
    if html:
        html.write_text(_page(hits))
    if as_json:
        for hit in hits:
            print(json.dumps(_told(hit)))
    else:
        make_console().print(_table(hits) if hits else "nothing here is so")


def _named(files: list[Path] | None) -> list[str]:
    return [str(file) for file in files or []]


def _query(finder: Search, plus: list[str], like: list[str], minus: list[str]) -> Array:
    """Return (D,): the sum of what is asked for, less what is taken away."""
    if not plus and not like:
        raise InputError("there is nothing to search for: give a sentence, a file, or --like LOG@SECONDS")
    for term in (*plus, *minus):
        if len(term) > LONGEST:
            raise InputError(f"a term of {len(term)} characters is too long; {LONGEST} are taken")
    space = Space(finder.moments.model)
    vectors = [space.embed(term)[0] for term in (*plus, *minus)] + [_moment(finder, each) for each in like]
    signs = [1.0] * len(plus) + [-1.0] * len(minus) + [1.0] * len(like)
    return mix(np.stack(vectors), signs)


def _moment(finder: Search, text: str) -> Array:
    name, at, seconds = text.rpartition("@")
    if not at:
        raise InputError(f"--like {text!r} is not LOG@SECONDS, such as flight.mcap@12.5s")
    playing = Playing([Path(name)])
    return finder.at(name, playing.at(seconds.removesuffix("s")))


def _time(text: str) -> int:
    """Return nanoseconds since the epoch; 0 for no text.

    >>> _time("1970-01-01T00:01")
    60000000000
    """
    if not text:
        return 0
    try:
        return int(np.datetime64(text, "ns").astype(np.int64))
    except ValueError:
        raise InputError(f"{text!r} is no time such as 2026-03-01T12:00") from None


def _replay(hit: Hit) -> str:
    """Return the command that shows a moment again; a file is itself."""
    if hit.start == hit.end:
        return hit.log
    return f"rigbind replay {quote(hit.log)} --start {_since(hit)} --end {_since(hit, hit.end)}"


def _since(hit: Hit, stamp: int = 0) -> str:
    """Return seconds since the log's start; its first window begins before it."""
    first = float(hit.metadata.get("log_start", 0))
    return f"{max(0.0, ((stamp or hit.start) - first) / NS):.1f}"


def _when(hit: Hit) -> str:
    return str(np.datetime64(hit.start, "ns"))[:-7].replace("T", " ")


def _told(hit: Hit) -> dict[str, object]:
    names = ("score", "cosine", "topic", "modality", "log", "rig", "start", "end", "anomaly")
    return {name: getattr(hit, name) for name in names} | {"tags": list(hit.tags), "replay": _replay(hit)}


def _table(hits: list[Hit]) -> Table:
    table = Table("score", "cosine", "when (UTC)", "for s", "tells", "tags", "replay", box=None, pad_edge=False)
    for hit in hits:
        seconds = f"{(hit.end - hit.start) / NS:.1f}" if hit.end > hit.start else ""
        tags = ", ".join(hit.tags)
        cells = (_when(hit), seconds, f"{hit.topic}", tags, _replay(hit))
        table.add_row(f"{hit.score:.1f}", f"{hit.cosine:.2f}", *(plain(cell) for cell in cells))
    return table


def _page(hits: list[Hit]) -> str:
    """Return one page that needs nothing else."""
    cards = "".join(
        f"<figure>{_picture(hit)}<figcaption><b>{hit.score:.1f}</b> {escape(hit.topic)} {escape(_when(hit))}"
        f"<br>{escape(', '.join(hit.tags))}<br><code>{escape(_replay(hit))}</code></figcaption></figure>"
        for hit in hits
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>rigbind search</title><style>{_STYLE}</style><main>{cards}</main>"
    )


def _picture(hit: Hit) -> str:
    if not hit.thumbnail:
        return ""
    return f'<img alt="" src="data:image/jpeg;base64,{b64encode(hit.thumbnail).decode()}">'


_STYLE = (
    "body{font:14px system-ui;margin:1.5rem;color-scheme:light dark}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:1rem}"
    "figure{margin:0;border:1px solid #8884;border-radius:6px;overflow:hidden}img{width:100%;display:block}"
    "figcaption{padding:.6rem;overflow-wrap:anywhere}code{font-size:11px}"
)
