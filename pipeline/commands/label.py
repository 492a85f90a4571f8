"""``rigbind label``: what a running line looks for, and whether its events were right."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from operators.labels import example_of, terms
from operators.space import Space, sense_of
from pipeline.commands.assembly import load_checked, model_name, model_parts
from pipeline.commands.console import make_console, refusing
from pipeline.config import Config
from pipeline.control import ListLabels, Question, Reply, ask
from pipeline.errors import ControlError, InputError
from pipeline.messages import DropLabel, Mark, SetLabel

label = typer.Typer(no_args_is_help=True, add_completion=False, help="Change what a running line looks for.")

RigOption = Annotated[
    Path | None, typer.Option("--rig", help="The rig's file, for its bus.control and model; else the defaults.")
]
EventArgument = Annotated[str, typer.Argument(help="The id of an event, such as tagging/fire@1700000000500000000.")]


@label.command()
def add(
    name: Annotated[str, typer.Argument(metavar="LABEL", help="What events of it will be called.")],
    things: Annotated[
        list[str],
        typer.Argument(help="Sentences; pictures, sounds, clips; sums of both, as 'bird.wav + a forest - rain.wav'."),
    ],
    threshold: Annotated[
        float, typer.Option(help="Probability from which on an event opens; 0 is the tagger's.")
    ] = 0.0,
    modality: Annotated[
        list[str] | None, typer.Option(help="Who may speak for it: vision, audio …; again for more.")
    ] = None,
    severity: Annotated[
        str | None, typer.Option(help="Of its events: info, warning or critical; else as it was, or info.")
    ] = None,
    rig: RigOption = None,
) -> None:
    """Look for something else, or by other examples, from now on."""
    config = _config(rig)
    prompts = [thing for thing in things if len(terms(thing)[0]) == 1 and sense_of(thing)[0] == "text"]
    shown = [thing for thing in things if thing not in prompts]
    senses = {channel.modality for channel in config.channels}
    if rig and (unknown := sorted(set(modality or []) - senses)):
        raise InputError(f"{', '.join(unknown)} may not speak for {name!r}: this rig has {', '.join(sorted(senses))}")
    with refusing():
        space = _space(config, rig) if shown else Space({})
        wanted = {
            "type": "set_label",
            "label": name,
            "prompts": prompts,
            "examples": [example_of(thing, space) for thing in shown],
            "threshold": threshold,
            "modalities": modality or [],
            "severity": severity,
        }
        try:
            command = msgspec.convert(wanted, SetLabel)
        except msgspec.ValidationError as error:
            raise InputError(f"{name!r} cannot be looked for: {error}") from error
    _print(_asked(config, command))


@label.command()
def drop(name: Annotated[str, typer.Argument(metavar="LABEL")], rig: RigOption = None) -> None:
    """Look for something no more."""
    _print(_asked(_config(rig), DropLabel(label=name)))


@label.command(name="list")
def list_(rig: RigOption = None) -> None:
    """Show what is looked for, how probable it was in the last window, and how its events were marked."""
    _print(_asked(_config(rig), ListLabels()))


@label.command()
def right(event: EventArgument, rig: RigOption = None) -> None:
    """Say that an event was what it was called: what is like it becomes more probable."""
    _print(_asked(_config(rig), Mark(event=event, right=True)))


@label.command()
def wrong(event: EventArgument, rig: RigOption = None) -> None:
    """Say that an event was not what it was called: what is like it becomes less probable."""
    _print(_asked(_config(rig), Mark(event=event, right=False)))


def _config(rig: Path | None) -> Config:
    return load_checked(rig) if rig else Config()


def _space(config: Config, rig: Path | None) -> Space:
    """Return what turns files into vectors as the line would. Raise InputError where its model is not known."""
    if rig is None:
        raise InputError("examples are embedded here, with the model of the line: name its rig file with --rig")
    runs = _asked(config, ListLabels()).model
    if runs != model_name(config):
        raise InputError(f"{rig}: the line that answers runs other encoders: {runs}")
    parts = model_parts(config.model)
    return Space({}, encoders={name: {"use": part.use, "params": part.params} for name, part in parts.items()})


def _asked(config: Config, question: Question) -> Reply:
    if not config.bus.control:
        raise InputError("bus.control is empty: this rig takes no commands")
    reply = ask(config.bus.control, config.security, question)
    if not reply.is_done:
        raise ControlError(reply.text)
    return reply


def _print(reply: Reply) -> None:
    columns = ("label", "known by", "who may speak", "threshold", "severity", "now", "right", "wrong")
    table = Table(*columns, title=escape(reply.text))
    for one in reply.labels:
        known_by = ", ".join([*one.prompts, *one.examples])
        speakers = ", ".join(one.modalities) or "all"
        numbers = (f"{one.threshold:g}", one.severity, f"{one.probability:.2f}", str(one.right), str(one.wrong))
        table.add_row(escape(one.label), escape(known_by), escape(speakers), *numbers)
    console = make_console()
    console.print(table)
    for one in reply.labels:
        for other, cosine in one.alike.items():
            console.print(f"{one.label} and {other} are alike: cosine {cosine:.3f}", markup=False, highlight=False)
