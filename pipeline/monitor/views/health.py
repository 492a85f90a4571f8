"""Health: where every sample went, and how long each stage takes."""

from collections.abc import Callable

import psutil
from nicegui import ui

from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Scene


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
    told = ui.label("").classes("rb-dim")

    def refresh(snapshot: Snapshot) -> None:
        ledger.clear()
        with ledger:
            _ledger(snapshot)
        stages = {name: sorted(times) for name, times in snapshot.health.latency_ms.items() if times}
        chart.options["yAxis"]["data"] = list(stages)
        chart.options["series"][0]["data"] = [_box(times) for times in stages.values()]
        chart.update()
        faults = ", ".join(f"{name} {number}" for name, number in snapshot.health.faults.items()) or "none"
        disk = psutil.disk_usage(".")
        told.set_text(
            f"windows {snapshot.health.windows}, skipped {snapshot.health.skipped} · missing embeddings: {faults} · "
            f"processor {psutil.cpu_percent():.0f} %, memory {psutil.virtual_memory().percent:.0f} %, "
            f"disk {disk.percent:.0f} % of {disk.total / 1e9:.0f} GB"
        )

    return refresh


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
