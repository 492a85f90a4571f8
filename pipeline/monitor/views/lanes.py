"""How odd each sense and all together were, as curves one under the other, and what was told, for one chart."""

from collections.abc import Mapping, Sequence

from pipeline.messages import Event
from pipeline.monitor.scene import Scene

MOST = 500
"""Points of a lane, and events, that are drawn: the highest of many points, the latest of many events."""

CALM, WARNING, CRITICAL = "#1c7ed6", "#d9a406", "#c92a2a"
COLOURS = {"info": CALM, "warning": WARNING, "critical": CRITICAL}

EVENTS, TOGETHER = "events", "anomaly"
"""The first lanes: what was told, and how odd all senses were together."""

ODD, RARE, MOST_ODD = 2, 5, 10
"""-log10 p: where a lane changes its colour, and where it ends."""

LANE, GAP, FOOT = 32, 8, 64
"""Pixels: of a lane, between two, and below them all."""


def options(lanes: Sequence[str]) -> dict[str, object]:
    """Return a chart of one lane under the other, all on one axis of time."""
    every = list(range(len(lanes)))
    return {
        "animation": False,
        "useUTC": True,
        "tooltip": {"trigger": "item"},
        "grid": [{"left": 130, "right": 16, "top": _top(lane), "height": LANE} for lane in every],
        "dataZoom": [
            {"type": "slider", "xAxisIndex": every, "bottom": 8, "height": 20},
            {"type": "inside", "xAxisIndex": every},
        ],
        "xAxis": [_time(lane, is_last=lane == every[-1]) for lane in every],
        "yAxis": [_height(lane, name) for lane, name in enumerate(lanes)],
        "visualMap": {
            "show": False,
            "dimension": 1,
            "seriesIndex": [len(COLOURS) + lane for lane in every[1:]],  # after marks and spans
            "pieces": [
                {"lt": ODD, "color": CALM},
                {"gte": ODD, "lt": RARE, "color": WARNING},
                {"gte": RARE, "color": CRITICAL},
            ],
        },
        "series": [],
    }


def _top(lane: int) -> int:
    return 8 + lane * (LANE + GAP)


def _time(lane: int, is_last: bool) -> dict[str, object]:
    return {
        "type": "time",
        "gridIndex": lane,
        "axisLabel": {"show": is_last, "color": "#8a8f98", "hideOverlap": True},
        "axisTick": {"show": is_last},
        "axisLine": {"lineStyle": {"color": "#8883"}},
    }


def _height(lane: int, name: str) -> dict[str, object]:
    return {
        "type": "value",
        "gridIndex": lane,
        "min": 0,
        "max": MOST_ODD,
        "name": name,
        "nameLocation": "middle",
        "nameRotate": 0,
        "nameGap": 10,
        "nameTextStyle": {"color": "#8a8f98", "align": "right", "width": 115, "overflow": "truncate"},
        "axisLabel": {"show": False},
        "splitLine": {"show": False},
    }


def series(scene: Scene, told: Sequence[Event], lanes: Sequence[str]) -> list[dict[str, object]]:
    """Return what the chart of ``lanes`` shows of ``told`` and of all windows."""
    return [_marks(told), *_spans(told), *_drawn(_scores(scene, lanes[1:]))]


def period(scene: Scene, told: Sequence[Event]) -> dict[str, int]:
    """Return the first and the last millisecond of all that is shown: lanes have one time."""
    history = list(scene.history)
    times = [moment.end for moment in (*history[:1], *history[-1:])]
    times += [time for event in told for time in (event.start, event.end)]
    return {"min": min(times) // 10**6, "max": max(times) // 10**6} if times else {}


def height(lanes: Sequence[str]) -> int:
    """Return the pixels of such a chart."""
    return _top(len(lanes)) + FOOT


def _scores(scene: Scene, names: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """Return (milliseconds, loudest anomaly) by name."""
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
            lanes[name].append((part[-1].end // 10**6, round(max(loud, default=0.0), 2)))
    return lanes


def _drawn(scores: Mapping[str, list[tuple[int, float]]]) -> list[dict[str, object]]:
    """Return each lane as a curve that is filled; what lies above it is cut off."""
    return [
        {
            "type": "line",
            "name": name,
            "xAxisIndex": lane,
            "yAxisIndex": lane,
            "symbol": "circle",
            "symbolSize": 3,
            "lineStyle": {"width": 1},
            "areaStyle": {"opacity": 0.5},
            "data": [(at, min(value, MOST_ODD)) for at, value in scored],
        }
        for lane, (name, scored) in enumerate(scores.items(), start=1)
    ]


def _marks(told: Sequence[Event]) -> dict[str, object]:
    """Return a dot where each event began, to be clicked."""
    return {
        "type": "scatter",
        "name": EVENTS,
        "symbolSize": 14,
        "z": 3,
        "data": [
            {
                "value": [event.start // 10**6, MOST_ODD / 2],
                "itemStyle": {"color": COLOURS[event.severity]},
                "name": event.label,
                "id": event.id,
            }
            for event in told
        ],
    }


def _spans(told: Sequence[Event]) -> list[dict[str, object]]:
    """Return a bar for each event, as long as it lasted; those of a severity are one broken line."""
    lines: dict[str, list[tuple[int, float | None]]] = {severity: [] for severity in COLOURS}
    for event in sorted(told, key=lambda event: event.start):
        start, end = event.start // 10**6, event.end // 10**6
        lines[event.severity] += [(start, MOST_ODD / 2), (end, MOST_ODD / 2), (end, None)]
    return [
        {
            "type": "line",
            "silent": True,
            "showSymbol": False,
            "lineStyle": {"width": 8, "opacity": 0.4, "color": COLOURS[severity]},
            "data": points,
        }
        for severity, points in lines.items()
    ]
