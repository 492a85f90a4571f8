"""Labels: what is looked for by name, changed while the line runs."""

from collections.abc import Callable
from typing import Any

from nicegui import run, ui

from pipeline.control import ListLabels, Question, Reply
from pipeline.errors import PipelineError
from pipeline.messages import MODALITIES, DropLabel, Label, SetLabel

Ask = Callable[[Question], Reply]

SEVERITIES = ["info", "warning", "critical"]


def labels(ask: Ask | None) -> Callable[[], object]:
    """Fill the tab, and return what asks the line for its labels."""
    if ask is None:
        ui.label("Labels of a finished log cannot be changed; `rigbind replay` can be given other ones.").classes(
            "rb-empty"
        )
        return lambda: None
    form = _Form(lambda: say(form.command()))
    listed = ui.element("div").classes("rb-labels")

    async def say(question: Question) -> None:
        try:
            reply = await run.io_bound(ask, question)
        except (PipelineError, ValueError) as error:
            listed.clear()
            with listed:
                ui.label(str(error)).classes("rb-empty")
            return
        if reply is None:  # the page is closing
            return
        if not isinstance(question, ListLabels):
            ui.notify(reply.text, type="positive" if reply.is_done else "warning")
        listed.clear()
        with listed:
            for label in reply.labels:
                with ui.element("div").classes("rb-stream"):
                    ui.label(label.label)
                    ui.label(described(label)).classes("rb-dim")
                    ui.button("change", on_click=lambda _, of=label: form.show(of)).props("flat dense")
                    ui.button("drop", on_click=lambda _, of=label.label: say(DropLabel(label=of))).props("flat dense")

    return lambda: say(ListLabels())


def described(label: Label) -> str:
    """Return in a line what a label is known by, and how.

    >>> described(Label(label="fire", prompts=("a fire",), examples=("crackle.wav",), threshold=0.8))
    'a fire; like crackle.wav · from 0.8'
    """
    known_by = "; ".join([*label.prompts, *(f"like {example}" for example in label.examples)])
    heard = f" · by {', '.join(label.modalities)}" if label.modalities else ""
    severity = f" · {label.severity}" if label.severity != "info" else ""
    return f"{known_by} · from {label.threshold:g}{heard}{severity}"


class _Form:
    """What a person says of one label; ``done`` is called when it is said."""

    def __init__(self, done: Callable[[], object]) -> None:
        with ui.row().classes("rb-ask"):
            self._name = ui.input("label").props("outlined dense maxlength=64")
            self._prompts = ui.input("sentences, with ; between").props("outlined dense maxlength=2000")
            self._prompts.classes("rb-wide")
            self._threshold = ui.number("threshold, 0 is usual", value=0, min=0, max=1, step=0.05)
            self._modalities: Any = ui.select(list(MODALITIES), label="who may speak", value=[], multiple=True)
            self._severity = ui.select(SEVERITIES, label="severity", value="info")
            for field in (self._threshold, self._modalities, self._severity):
                field.props("outlined dense").classes("rb-number")
            ui.button("set", on_click=done).props("outline")

    def show(self, label: Label) -> None:
        """Have the fields say what ``label`` is."""
        self._name.value, self._prompts.value = label.label, "; ".join(label.prompts)
        self._threshold.value, self._severity.value = label.threshold, label.severity
        known = list(dict.fromkeys([*MODALITIES, *label.modalities]))
        self._modalities.set_options(known, value=list(label.modalities))

    def command(self) -> SetLabel:
        """Return what the fields say; a label's examples stay as they are."""
        return SetLabel(
            label=self._name.value or "",
            prompts=tuple(text.strip() for text in (self._prompts.value or "").split(";") if text.strip()),
            threshold=self._threshold.value or 0.0,
            modalities=tuple(self._modalities.value),
            severity=self._severity.value,
            keep_examples=True,
        )
