"""Live: what every sensor shows, and what is made of it now."""

from collections.abc import Callable, Sequence

from nicegui import ui

from pipeline.feed import PERIOD_S
from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Scene
from pipeline.monitor.spectrogram import FLOOR_DB
from pipeline.thumbnail import INFERNO, PALETTES, Scale

LAMPS = {
    "ok": "#2e9e5b",
    "init": "#8a8f98",
    "late": "#d9a406",
    "stale": "#d9480f",
    "dead": "#c92a2a",
    "recovered": "#1c7ed6",
}

AXES = ("ax", "ay", "az", "gx", "gy", "gz")

COLOURS = ["#e8590c", "#2f9e44", "#1c7ed6", "#e0a3c0", "#94c973", "#74c0fc"]
"""Of the axes, x red, y green, z blue as everywhere in robotics; turning is paler. All are seen on black and white."""

LOUD = 1.0
"""Anomalies, as -log10 p, from which on they are listed: one normal window in ten has as much."""

SEEN = ("vision", "thermal", "depth", "audio")

STALE_S, STALE_PERIODS = 0.7, 3
"""How old a picture may be, and how many may be missing, before it is grey: within a second on a camera of 5 Hz."""


def live(scene: Scene, stride_s: float) -> Callable[[Snapshot], None]:
    """Fill the tab. Sounds are drawn every ``stride_s``."""
    shown = [channel for channel in scene.channels if channel.modality in SEEN]
    felt = [channel for channel in scene.channels if channel.modality == "imu"]
    with ui.element("div").classes("rb-live"):
        with ui.element("div").classes("rb-cams"):
            meters: dict[str, Meter] = {}
            for channel in shown:
                period_s = stride_s if channel.modality == "audio" else 1 / channel.rate_hz
                stale_s = max(STALE_S, STALE_PERIODS * max(period_s, PERIOD_S))
                with _camera(scene.channels.index(channel), channel.topic, channel.modality, stale_s):
                    if channel.modality == "audio":
                        meters[channel.topic] = Meter()
            charts = {channel.topic: _chart(channel.topic) for channel in felt}
            if not scene.channels:
                ui.label("This rig has no channels.").classes("rb-empty")
        with ui.element("div").classes("rb-side"):
            ui.label("Now").classes("rb-head")
            now = ui.element("div").classes("rb-bars")
            ui.label("Streams").classes("rb-head")
            streams = ui.element("div").classes("rb-streams")

    def refresh(snapshot: Snapshot) -> None:
        for topic, chart in charts.items():
            _draw(chart, scene.trace(topic))
        for topic, meter in meters.items():
            meter.show(scene.loudness_db(topic))
        now.clear()
        with now:
            _now(scene, snapshot)
        streams.clear()
        with streams:
            _streams(scene, snapshot)

    return refresh


class Meter:
    """A bar as long as a sound is loud."""

    def __init__(self) -> None:
        with ui.element("div").classes("rb-scale"):
            ui.label("level")
            with ui.element("div").classes("rb-track"):
                self._bar = ui.element("i")
            self._told = ui.label()

    def show(self, loudness_db: float) -> None:
        """Show ``loudness_db``, of full scale."""
        self._bar.style(f"width:{100 * (1 - loudness_db / FLOOR_DB):.0f}%")
        self._told.set_text(f"{loudness_db:.0f} dB")


def _camera(number: int, topic: str, modality: str, stale_s: float) -> ui.element:
    """A picture that the browser fetches by itself and greys by its own clock."""
    palette = PALETTES.get(modality, INFERNO if modality == "audio" else ())
    figure = ui.element("figure").classes("rb-cam").props(f'data-frame="{number}" data-stale="{1000 * stale_s:.0f}"')
    with figure:
        ui.element("img").props('alt=""')
        with ui.element("figcaption"):
            ui.label(topic)
            ui.label(modality).classes("rb-dim")
            ui.label("waiting").classes("rb-age")
        if palette:
            with ui.element("div").classes("rb-scale"):
                ui.label().classes("rb-low")
                ui.element("i").style(f"background:linear-gradient(90deg,{_gradient(palette)})")
                ui.label().classes("rb-high")
    return figure


def ends(scale: Scale) -> tuple[str, str]:
    """Return what is written at the two ends of a scale.

    >>> ends(Scale(low=18.62, high=54.3, unit="°C")), ends(Scale(low=7312, high=9100, unit="counts"))
    (('18.6', '54.3 °C'), ('7312', '9100 raw counts'))
    """
    digits = 1 if scale.unit in ("°C", "m") else 0
    unit = "raw counts" if scale.unit == "counts" else scale.unit
    return f"{scale.low:.{digits}f}", f"{scale.high:.{digits}f} {unit}"


def _gradient(palette: Sequence[tuple[int, int, int]]) -> str:
    return ",".join(f"rgb{colour}".replace(" ", "") for colour in palette)


def _chart(topic: str) -> ui.echart:
    with ui.element("figure").classes("rb-cam rb-chart"):
        chart = ui.echart(
            {
                "animation": False,
                "grid": {"left": 40, "right": 10, "top": 26, "bottom": 20},
                "legend": {"top": 0, "itemWidth": 12, "textStyle": {"color": "#8a8f98"}},
                "xAxis": {"type": "value", "show": False, "min": "dataMin", "max": "dataMax"},
                "color": COLOURS,
                "yAxis": {
                    "type": "value",
                    "scale": True,
                    "axisLabel": {"color": "#8a8f98"},
                    "axisLine": {"onZero": False},
                    "splitLine": {"lineStyle": {"color": "#8883"}},
                },
                "series": [{"type": "line", "name": axis, "showSymbol": False, "data": []} for axis in AXES],
            }
        ).classes("rb-plot")
        with ui.element("figcaption"):
            ui.label(topic)
            ui.label("m/s², rad/s").classes("rb-dim")
    return chart


def _draw(chart: ui.echart, trace: list[tuple[float, tuple[float, ...]]]) -> None:
    step = max(1, len(trace) // 250)
    for axis, series in enumerate(chart.options["series"]):
        series["data"] = [
            [round(time - trace[-1][0], 3), round(row[axis], 3)] for time, row in trace[::step] if axis < len(row)
        ]
    chart.update()


def _now(scene: Scene, snapshot: Snapshot) -> None:
    going_on = [event for event in scene.board.events() if event.phase != "closed"][:6]
    for event in going_on:
        _bar(event.label, min(1.0, event.score if event.score <= 1 else event.score / 12), f"{event.score:.2g}", "warn")
    loud = {name: value for name, value in snapshot.scores.items() if name.startswith("anomaly/") and value >= LOUD}
    for name, value in sorted(loud.items(), key=lambda item: -item[1])[:6]:
        _bar(name.removeprefix("anomaly/"), min(1.0, value / 12), f"{value:.1f}", "odd")
    tags = {name: value for name, value in snapshot.scores.items() if name.startswith("tagging/")}
    for name, value in sorted(tags.items(), key=lambda item: -item[1])[:6]:
        _bar(name.removeprefix("tagging/"), value, f"{value:.2f}", "tag")
    weights = {topic: stream.weight for topic, stream in snapshot.streams.items() if stream.weight >= 0.005}
    if weights:
        told = ", ".join(f"{topic} {value:.1f}" for topic, value in sorted(weights.items(), key=lambda it: -it[1]))
        ui.label(f"listening to: {told}").classes("rb-dim")
    if not going_on and not loud and not tags:
        ui.label("nothing out of the ordinary").classes("rb-dim")


def _bar(name: str, share: float, told: str, kind: str) -> None:
    with ui.element("div").classes(f"rb-bar rb-{kind}"):
        ui.element("i").style(f"width:{100 * max(0.0, min(1.0, share)):.0f}%")
        ui.label(name)
        ui.label(told).classes("rb-num")


def _streams(scene: Scene, snapshot: Snapshot) -> None:
    is_held = scene.place is not None and scene.place.is_paused  # nothing is late then
    for channel in scene.channels:
        stream = snapshot.streams.get(channel.topic)
        state = stream.state if stream else "init"
        with ui.element("div").classes("rb-stream"):
            ui.element("b").style(f"background:{LAMPS[state]}")
            ui.label(channel.topic)
            ui.label(state.upper()).classes("rb-dim")
            told = "not heard yet"
            if stream and stream.age_s >= 0:
                lost = sum(stream.ends.get(cause, 0) for cause in stream.ends if cause != "used")
                age = "" if is_held else f" · {1000 * stream.age_s:.0f} ms"
                told = f"{stream.rate_hz:.1f} of {channel.rate_hz:g} Hz{age} · lost {lost}"
            ui.label(", ".join([told, *(stream.clocks if stream else ())])).classes("rb-dim rb-num")
