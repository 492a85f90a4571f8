"""What a viewer asks of the line, without holding up the page."""

from collections.abc import Callable

from nicegui import run, ui

from pipeline.control import Question, Reply
from pipeline.errors import PipelineError

Ask = Callable[[Question], Reply]


async def said(ask: Ask, question: Question) -> Reply | None:
    """Return what the line answers, or tell the viewer why it does not."""
    try:
        return await run.io_bound(ask, question)
    except PipelineError as error:
        ui.notify(str(error), type="negative")
        return None
