"""Labels: what is looked for by name, changed while the line runs."""

from collections.abc import Callable

from nicegui import run, ui

from pipeline.control import ListLabels, Question, Reply
from pipeline.errors import PipelineError
from pipeline.messages import DropLabel, SetLabel

Ask = Callable[[Question], Reply]


def labels(ask: Ask | None) -> Callable[[], object]:
    """Fill the tab, and return what asks the line for its labels."""
    if ask is None:
        ui.label("Labels of a finished log cannot be changed; `rigbind replay` can be given other ones.").classes(
            "rb-empty"
        )
        return lambda: None
    with ui.row().classes("rb-ask"):
        name = ui.input("label").props("outlined dense maxlength=64")
        prompts = ui.input("sentences, with ; between").props("outlined dense maxlength=2000").classes("rb-wide")
        threshold = (
            ui.number("threshold, 0 is usual", value=0, min=0, max=1, step=0.05)
            .props("outlined dense")
            .classes("rb-number")
        )
        ui.button("set", on_click=lambda: say(SetLabel(
            label=name.value or "",
            prompts=tuple(text.strip() for text in (prompts.value or "").split(";") if text.strip()),
            threshold=threshold.value or 0.0,
        ))).props("outline")  # fmt: skip
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
                    ui.label("; ".join(label.prompts)).classes("rb-dim")
                    ui.button("drop", on_click=lambda _, of=label.label: say(DropLabel(label=of))).props("flat dense")

    return lambda: say(ListLabels())
