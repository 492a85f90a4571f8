"""Map of meaning: recent vectors of every sense, and what is looked for by name, in two dimensions that stay.

N = vectors, D = dimension of the joint space.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic

import numpy as np
from nicegui import background_tasks, run, ui

from pipeline.control import ListLabels
from pipeline.errors import PipelineError
from pipeline.messages import Array
from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Scene
from pipeline.monitor.views.asking import Ask

NEWEST = 20
"""Windows that are drawn large."""

MOST = 150
"""Windows that are drawn, evenly over those that are kept; the newest are always."""

PERIOD_S, LABELS_S = 2.0, 10.0
"""Between two drawings, and between two questions for labels."""

TURNS = 12
"""Steps of orthogonal iteration (Golub and Van Loan, Matrix Computations, 8.2.4) towards the plane in which vectors
differ most, from the one before: the map need not be exact, but must be quick."""


def meaning(scene: Scene, ask: Ask | None) -> Callable[[Snapshot], None]:
    """Fill the tab."""
    ui.label("Each point is a window as one sense saw it, large ones are the newest; words are labels.").classes(
        "rb-dim"
    )
    chart = ui.echart(
        {
            "animation": False,
            "legend": {"textStyle": {"color": "#8a8f98"}},
            "tooltip": {"trigger": "item"},
            "xAxis": {"show": False, "scale": True},
            "yAxis": {"show": False, "scale": True},
            "series": [],
        }
    ).classes("rb-map")
    before: list[Array] = []
    labels: dict[str, Array] = {}
    due = {"drawn": 0.0, "asked": 0.0}

    async def look() -> None:
        """Ask the line what is looked for; one that does not answer keeps the words that are there."""
        if ask is not None and scene.place is None:
            with suppress(PipelineError):
                if reply := await run.io_bound(ask, ListLabels()):
                    labels.clear()
                    labels.update({one.label: np.frombuffer(one.vector, "<f4") for one in reply.labels if one.vector})

    def refresh(snapshot: Snapshot) -> None:
        windows = _drawn(list(scene.vectors))
        rows = [(topic, place, vector) for place, (_, of) in enumerate(windows) for topic, vector in of.items()]
        if len(rows) < 3 or monotonic() < due["drawn"]:
            return
        due["drawn"] = monotonic() + PERIOD_S
        if monotonic() > due["asked"]:
            due["asked"] = monotonic() + LABELS_S
            background_tasks.create(look(), name="labels of the map")
        vectors_ND = np.stack([vector for _, _, vector in rows])
        before[:] = [plane(vectors_ND, before[0] if before else None)]
        points = vectors_ND @ before[0].T
        dim = vectors_ND.shape[1]
        known = {label: vector @ before[0].T for label, vector in labels.items() if len(vector) == dim}
        chart.options["series"] = [
            *(
                _series(topic, [(point, place >= len(windows) - NEWEST)
                                for (name, place, _), point in zip(rows, points, strict=True) if name == topic])
                for topic in dict.fromkeys(topic for topic, _, _ in rows)
            ),
            _words(known),
        ]  # fmt: skip
        chart.update()

    return refresh


def _drawn(windows: list[tuple[int, dict[str, Array]]]) -> list[tuple[int, dict[str, Array]]]:
    old, new = windows[:-NEWEST], windows[-NEWEST:]
    return [*old[:: max(1, -(-len(old) // MOST))], *new]


def _series(topic: str, points: list[tuple[Array, bool]]) -> dict[str, object]:
    data = [{"value": _at(point), "symbolSize": 12 if is_new else 4, "name": topic} for point, is_new in points]
    return {"type": "scatter", "name": topic, "data": data}


def _words(points: Mapping[str, Array]) -> dict[str, object]:
    """Draw labels as words where they are."""
    return {
        "type": "scatter",
        "name": "labels",
        "symbol": "diamond",
        "symbolSize": 8,
        "itemStyle": {"color": "#8a8f98"},
        "label": {"show": True, "position": "right", "formatter": "{b}", "color": "#8a8f98", "fontWeight": "bold"},
        "data": [{"value": _at(point), "name": label} for label, point in points.items()],
    }


def _at(point: Array) -> list[float]:
    return [round(float(point[0]), 4), round(float(point[1]), 4)]


def plane(vectors_ND: Array, before_2D: Array | None) -> Array:
    """Return (2, D): nearly the two directions in which vectors differ most, turned to be as near to those before as
    can be.

    The turn is that of Procrustes (Schönemann 1966), so that a map that grows does not flip.
    """
    centred_ND = vectors_ND - vectors_ND.mean(0)
    dim = centred_ND.shape[1]
    is_known = before_2D is not None and before_2D.shape == (2, dim)
    axes_D2 = before_2D.T if before_2D is not None and is_known else np.random.default_rng(0).normal(size=(dim, 2))
    for _ in range(TURNS if is_known else 5 * TURNS):
        axes_D2, _ = np.linalg.qr(centred_ND.T @ (centred_ND @ axes_D2))
    axes_2D: Array = axes_D2.T
    if before_2D is None or not is_known:
        return axes_2D
    left, _, right = np.linalg.svd(before_2D @ axes_2D.T)
    turned: Array = left @ right @ axes_2D
    return turned
