"""Health: where every sample went, and how long each stage takes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from nicegui import run, ui

from pipeline.health import Health
from pipeline.monitor.board import Snapshot
from pipeline.monitor.gpus import gpus
from pipeline.monitor.scene import Scene

GPU_S = 5.0
"""Between two looks at the GPUs."""


def health(scene: Scene) -> Callable[[Snapshot], None]:
    """Fill the tab."""
    ui.label("Where every sample went").classes("rb-head")
    ledger = ui.element("div").classes("rb-ledger")
    ui.label("Latency by stage, ms").classes("rb-head")
    chart = ui.echart(
        {
            "animation": False,
            "grid": {"left": 90, "right": 16, "top": 8, "bottom": 28},
            "xAxis": {"type": "value", "axisLabel": {"color": "#8a8f98"}},
            "yAxis": {"type": "category", "data": [], "axisLabel": {"color": "#8a8f98"}},
            "series": [{"type": "boxplot", "data": []}],
        }
    ).classes("rb-boxes")
    told = ui.label("").classes("rb-dim rb-lines")
    busy: list[str] = []

    async def look() -> None:
        busy[:] = await run.io_bound(gpus) or []

    ui.timer(GPU_S, look)

    def refresh(snapshot: Snapshot) -> None:
        ledger.clear()
        with ledger:
            _ledger(snapshot)
        stages = {name: sorted(times) for name, times in snapshot.health.latency_ms.items() if times}
        chart.options["yAxis"]["data"] = list(stages)
        chart.options["series"][0]["data"] = [_box(times) for times in stages.values()]
        chart.update()
        told.set_text("\n".join([*_line(snapshot.health), _host(snapshot.health), *busy]))

    return refresh


def _line(health: Health) -> list[str]:
    """Say how the line is."""
    return [
        f"windows {health.windows}, skipped {health.skipped}; missing embeddings: {_counts(health.faults)}",
        f"encoders: {', '.join(f'{name} {state}' for name, state in health.replicas.items()) or 'in the line itself'}",
        f"recording: {health.recording or 'none'}; not recorded: {_counts(health.unrecorded)}",
    ]


def _host(health: Health) -> str:
    """Say how this host is; the disk is that of the recording."""
    disk = psutil.disk_usage(next((str(at) for at in Path(health.recording).parents if at.is_dir()), "."))
    return (
        f"processor {psutil.cpu_percent():.0f} %, memory {psutil.virtual_memory().percent:.0f} %, "
        f"disk {disk.percent:.0f} % of {disk.total / 1e9:.0f} GB"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"


def _ledger(snapshot: Snapshot) -> None:
    if not snapshot.streams:
        ui.label("nothing was heard yet").classes("rb-empty")
        return
    causes = list(next(iter(snapshot.streams.values())).ends)
    with ui.element("table"):
        with ui.element("tr"):
            for head in ("topic", "sent", *causes, "in flight", "restarts"):
                _cell("th", head)
        for topic, stream in snapshot.streams.items():
            with ui.element("tr"):
                for cell in (
                    topic,
                    stream.sent,
                    *(stream.ends[cause] for cause in causes),
                    stream.in_flight,
                    stream.restarts,
                ):
                    _cell("td", str(cell))


def _cell(kind: str, text: str) -> None:
    with ui.element(kind):
        ui.label(text)


def _box(times: list[float]) -> list[float]:
    """Return least, quartiles, and what 99 % stay below."""
    last = len(times) - 1
    return [round(times[round(share * last)], 2) for share in (0.0, 0.25, 0.5, 0.75, 0.99)]
