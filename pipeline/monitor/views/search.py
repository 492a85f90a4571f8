"""Search: a sentence, a picture or a sound; moments with pictures."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from time import gmtime, strftime

from nicegui import events, run, ui

from pipeline.errors import PipelineError
from pipeline.messages import NS, Hit
from pipeline.monitor.api import MAX_TEXT, Wanted

Find = Callable[[Wanted], Sequence[Hit]]

MAX_FILE = 20_000_000
"""Bytes of a file that is dropped."""


def search(find: Find | None) -> None:
    """Fill the tab."""
    if find is None:
        ui.label(
            "There is no index to search. Give one with --db, and fill it with `rigbind index`, or live with the sink "
            "pipeline.search:LiveIndex."
        ).classes("rb-empty")
        return
    with ui.row().classes("rb-ask"):
        text = ui.input(placeholder="glass breaking").props(f"outlined dense maxlength={MAX_TEXT}").classes("rb-wide")
        ui.button("find", on_click=lambda: ask(Wanted(text=text.value or ""))).props("outline")
        ui.upload(
            label="or drop a picture or a sound",
            auto_upload=True,
            max_file_size=MAX_FILE,
            on_upload=lambda dropped: _dropped(dropped, ask),
            on_rejected=lambda: ui.notify(f"a file may have {MAX_FILE // 10**6} MB at most", type="warning"),
        ).props("flat dense")
    results = ui.element("div").classes("rb-hits")
    text.on("keydown.enter", lambda: ask(Wanted(text=text.value or "")))

    async def ask(wanted: Wanted) -> None:
        if not wanted.text and not wanted.file:
            return
        if len(wanted.text) > MAX_TEXT:  # a browser that does not keep to maxlength
            ui.notify(f"a sentence may have {MAX_TEXT} characters at most", type="warning")
            return
        results.clear()
        with results:
            ui.spinner()
        try:
            hits = await run.io_bound(find, wanted) or []
        except (PipelineError, ValueError, OSError) as error:
            hits = []
            ui.notify(str(error), type="negative")
        results.clear()
        with results:
            for hit in hits:
                _card(hit)
            if not hits:
                ui.label("nothing found").classes("rb-empty")


async def _dropped(dropped: events.UploadEventArguments, ask: Callable[[Wanted], object]) -> None:
    data = await dropped.file.read()
    modality = "audio" if dropped.file.content_type.startswith("audio") else "vision"
    answer = ask(Wanted(file=data, modality=modality))
    if hasattr(answer, "__await__"):
        await answer


def _card(hit: Hit) -> None:
    with ui.element("figure").classes("rb-hit"):
        if hit.thumbnail:
            ui.image(f"data:image/jpeg;base64,{b64encode(hit.thumbnail).decode()}")
        with ui.element("figcaption"):
            ui.label(f"{hit.score:.1f}  {hit.topic}")
            ui.label(strftime("%Y-%m-%d %H:%M:%S", gmtime(hit.start / NS))).classes("rb-dim")
            ui.label(", ".join(hit.tags)).classes("rb-dim")
            ui.label(hit.log).classes("rb-dim rb-code")
