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

MOST = 500
"""Points of a lane, and events, that are drawn: the highest of many points, the latest of many events."""

BEFORE = 2 * NS
"""An event is replayed from so long before it."""

COLOURS = {"info": "#1c7ed6", "warning": "#d9a406", "critical": "#c92a2a"}


def timeline(scene: Scene, ask: Ask | None, record: str = "") -> Callable[[Snapshot], None]:
    """Fill the tab. ``record`` is where the run is recorded to."""

    def open_(id_: str) -> None:
        _open(scene.board.event(id_), scene, ask, record)

    chart = ui.echart(_options(), on_point_click=lambda click: _clicked(click, open_)).classes("rb-timeline")
    table = ui.table(
        columns=[
            {"name": name, "label": name, "field": name, "align": "left"}
            for name in ("at", "label", "for", "score", "severity", "because", "phase")
        ],
        rows=[],
        row_key="id",
        pagination=12,
    ).classes("rb-table")
    table.on("rowClick", lambda click: open_(click.args[1]["id"]))

    def refresh(snapshot: Snapshot) -> None:
        told = scene.board.events()[:MOST]
        lanes = _lanes(scene)
        chart.options["yAxis"]["data"] = [*lanes, "events"]
        chart.options["series"] = [*_drawn(lanes), _marks(told, len(lanes))]
        chart.update()
        table.rows = [_row(event) for event in told]
        table.update()

    return refresh


def _options() -> dict[str, object]:
    return {
        "animation": False,
        "tooltip": {"trigger": "item"},
        "grid": {"left": 120, "right": 16, "top": 8, "bottom": 60},
        "dataZoom": [{"type": "slider", "bottom": 8, "height": 20}, {"type": "inside"}],
        "xAxis": {"type": "time", "axisLabel": {"color": "#8a8f98"}},
        "yAxis": {
            "type": "category",
            "data": [],
            "axisLabel": {"color": "#8a8f98", "width": 110, "overflow": "truncate"},
        },
        "series": [],
    }


def _lanes(scene: Scene) -> dict[str, list[tuple[int, float]]]:
    """Return (milliseconds, loudest anomaly) by topic, and of all."""
    names = [channel.topic for channel in scene.channels] + ["anomaly"]
    lanes: dict[str, list[tuple[int, float]]] = {name: [] for name in names}
    history = list(scene.history)
    step = max(1, len(history) // MOST)
    for first in range(0, len(history), step):
        part = history[first : first + step]
        for name in names:
            prefix = f"anomaly/{name}"
            loud = [
                v
                for moment in part
                for key, v in moment.scores.items()
                if key == prefix or key.startswith(f"{prefix} ")
            ]
            lanes[name].append((part[-1].end // 10**6, max(loud, default=0.0)))
    return lanes


def _drawn(lanes: dict[str, list[tuple[int, float]]]) -> list[dict[str, object]]:
    return [
        {
            "type": "scatter",
            "name": name,
            "symbol": "rect",
            "data": [
                {
                    "value": [at, number],
                    "symbolSize": [4, 3 + 2 * min(value, 10)],
                    "itemStyle": {"color": _heat(value)},
                    "name": f"{name} {value:.1f}",
                }
                for at, value in lane
            ],
        }
        for number, (name, lane) in enumerate(lanes.items())
    ]


def _heat(value: float) -> str:
    """Return a colour from calm to very odd, for -log10 of a p-value."""
    return "#4c6ef5" if value < 2 else "#d9a406" if value < 5 else "#c92a2a"


def _marks(told: list[Event], lane: int) -> dict[str, object]:
    return {
        "type": "scatter",
        "name": "events",
        "symbolSize": 14,
        "data": [
            {
                "value": [event.start // 10**6, lane],
                "itemStyle": {"color": COLOURS[event.severity]},
                "name": event.label,
                "id": event.id,
            }
            for event in told
        ],
    }


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
    if click.series_name == "events" and isinstance(point, dict):
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
        ui.label(f"rigbind explain {event.id}").classes("rb-dim rb-code")
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
