"""Finds an event and all that is known of it, and has it drawn."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.console import make_console
from pipeline.commands.explain.drawing import draw
from pipeline.commands.explain.story import Story, from_lines, from_log
from pipeline.errors import InputError
from pipeline.messages import NS


def explain(
    event: Annotated[str, typer.Argument(help="The event's id, its beginning, or 'last'.")],
    log: Annotated[Path | None, typer.Option(help="The recording of the run that it happened in.")] = None,
    events: Annotated[Path | None, typer.Option(help="A file of events as JSON lines.")] = None,
    out: Annotated[Path, typer.Option(help="A PNG, or a folder for it.")] = Path("."),
) -> None:
    """Draw what was seen, heard and felt of an event, what spoke for it, and what it was compared with.

    A recording has it all; a file of events has the event's own pictures, sounds, scores and evidence.
    """
    if (log is None) == (events is None):
        raise InputError("name either the recording that the event is in, with --log, or a file of events, --events")
    story = from_log(log, event) if log else from_lines(Path(str(events)), event)
    path = out if out.suffix == ".png" else out / f"{_file_name(story.event.id)}.png"
    try:
        draw(story, path)
    except OSError as error:
        raise InputError(f"{path}: nothing can be drawn there: {error.strerror or error}") from error
    for sentence in (*_sentences(story), f"drawn in {path}"):
        make_console().print(sentence, highlight=False, markup=False, soft_wrap=True)


def _sentences(story: Story) -> list[str]:
    event = story.event
    lasted_s = (event.end - event.start) / NS
    said = [f"{event.id}: {event.label!r}, {event.severity}, {event.phase}, {lasted_s:.1f} s, score {event.score:.2f}"]
    for what, of in (("spoke for it", event.evidence), ("was listened to", event.weights)):
        if of:
            ranked = sorted(of.items(), key=lambda item: -item[1])[:5]
            said.append(f"{what}: " + ", ".join(f"{name} {value:.2f}" for name, value in ranked))
    return said


def _file_name(id_: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-.@" else "_" for sign in id_).strip(".")[:100]
