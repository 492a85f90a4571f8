"""Timeline: how odd each sense and all together were over the last hours, and the events; one click opens one."""

from base64 import b64encode
from collections.abc import Callable
from shlex import quote
from time import gmtime, strftime

from nicegui import events, ui

from pipeline.control import Drive
from pipeline.messages import NS, Event, Mark
from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Scene
from pipeline.monitor.views.asking import Ask, said
from pipeline.monitor.views.lanes import EVENTS, MOST, TOGETHER, height, options, period, series

BEFORE = 2 * NS
"""An event is replayed from so long before it."""


def timeline(scene: Scene, ask: Ask | None, record: str = "") -> Callable[[Snapshot], None]:
    """Fill the tab. ``record`` is where the run is recorded to."""

    def open_(id_: str) -> None:
        _open(scene.board.event(id_), scene, ask, record)

    lanes = [EVENTS, TOGETHER, *(channel.topic for channel in scene.channels)]
    chart = ui.echart(options(lanes), on_point_click=lambda click: _clicked(click, open_)).classes("rb-timeline")
    chart.style(f"height:{height(lanes)}px")
    table = ui.table(
        columns=[
            {"name": name, "label": "at (UTC)" if name == "at" else name, "field": name, "align": "left"}
            for name in ("at", "label", "for", "score", "severity", "because", "phase")
        ],
        rows=[],
        row_key="id",
        pagination=12,
    ).classes("rb-table")
    table.on("rowClick", lambda click: open_(click.args[1]["id"]))

    def refresh(snapshot: Snapshot) -> None:
        told = scene.board.events()[:MOST]
        chart.options["series"] = series(scene, told, lanes)
        shown = period(scene, told)
        for axis in chart.options["xAxis"]:
            axis |= shown
        chart.update()
        table.rows = [_row(event) for event in sorted(told, key=lambda event: -event.start)]
        table.update()

    return refresh


def _row(event: Event) -> dict[str, object]:
    loud = sorted(event.evidence.items(), key=lambda item: -item[1])[:3]
    return {
        "id": event.id,
        "at": strftime("%H:%M:%S", gmtime(event.start / NS)),
        "label": event.label,
        "for": f"{(event.end - event.start) / NS:.1f} s",
        "score": f"{event.score:.2f}",
        "severity": event.severity,
        "because": ", ".join(f"{name} {value:.1f}" for name, value in loud),
        "phase": event.phase,
    }


def _clicked(click: events.EChartPointClickEventArguments, open_: Callable[[str], None]) -> None:
    point: object = click.data
    if click.series_name == EVENTS and isinstance(point, dict):
        open_(str(point.get("id")))


def _open(event: Event | None, scene: Scene, ask: Ask | None, record: str) -> None:
    """Show an event: what was seen and heard, what moved it, and whether it was right."""
    if event is None:
        ui.notify("this event is forgotten")
        return
    with ui.dialog() as dialog, ui.card().classes("rb-event"):
        ui.label(event.label).classes("text-h6")
        row = _row(event)
        ui.label(f"{row['at']} UTC, {row['for']}, score {row['score']}, {event.severity}, {event.phase}").classes(
            "rb-dim"
        )
        with ui.element("div").classes("rb-thumbs"):
            for topic, jpeg in event.pictures.items():
                ui.image(f"data:image/jpeg;base64,{b64encode(jpeg).decode()}").props(
                    f'alt="{topic.replace(chr(34), "")}"'
                )
        for wav in event.sounds.values():
            ui.audio(f"data:audio/wav;base64,{b64encode(wav).decode()}")
        for name, value in sorted(event.evidence.items(), key=lambda item: -item[1])[:8]:
            with ui.element("div").classes("rb-bar rb-odd"):
                ui.element("i").style(f"width:{min(100.0, 100 * value / max(event.evidence.values())):.0f}%")
                ui.label(name)
                ui.label(f"{value:.2f}").classes("rb-num")
        with ui.row():
            for text, right in (("right", True), ("wrong", False)):
                button = ui.button(text, on_click=lambda _, right=right: _mark(event, right, ask)).props("outline")
                button.set_enabled(ask is not None and event.source == "tagging" and scene.place is None)
            if scene.place is not None and ask is not None:
                ui.button("replay", on_click=lambda: _replay(event, ask, dialog)).props("outline")
            ui.button("close", on_click=dialog.close).props("flat")
        ui.label(f"rigbind explain {quote(event.id)}").classes("rb-dim rb-code")
        if scene.place is None and record and "%" not in record:  # a date that only the run knows
            at = event.start - BEFORE
            command = f"rigbind monitor {quote(record)} --start @{at // NS}.{at % NS // 10**6:03d}"
            ui.label(f"when the run is over: {command}").classes("rb-dim rb-code")
    dialog.open()


async def _mark(event: Event, right: bool, ask: Ask | None) -> None:
    if ask is not None and (reply := await said(ask, Mark(event=event.id, right=right))):
        ui.notify(reply.text, type="positive" if reply.is_done else "warning")


async def _replay(event: Event, ask: Ask, dialog: ui.dialog) -> None:
    """Show what went before an event, and the event."""
    dialog.close()
    if await said(ask, Drive(action="seek", stamp=event.start - BEFORE)):
        await said(ask, Drive(action="play"))
