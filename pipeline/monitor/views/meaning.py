"""Map of meaning: recent vectors of every sense in two dimensions that stay where they are. N = vectors."""

from collections.abc import Callable

import numpy as np
from nicegui import ui

from pipeline.messages import Array
from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Scene

NEWEST = 20
"""Windows that are drawn large."""


def meaning(scene: Scene) -> Callable[[Snapshot], None]:
    """Fill the tab."""
    ui.label("Each point is a window as one sense saw it; large ones are the newest.").classes("rb-dim")
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

    def refresh(snapshot: Snapshot) -> None:
        windows = list(scene.vectors)
        rows = [(topic, place, vector) for place, (_, of) in enumerate(windows) for topic, vector in of.items()]
        if len(rows) < 3:
            return
        axes_2D = plane(np.stack([vector for _, _, vector in rows]), before[0] if before else None)
        before[:] = [axes_2D]
        points = np.stack([vector for _, _, vector in rows]) @ axes_2D.T
        topics = dict.fromkeys(topic for topic, _, _ in rows)
        chart.options["series"] = [
            {
                "type": "scatter",
                "name": name,
                "data": [
                    {
                        "value": [round(float(x), 4), round(float(y), 4)],
                        "symbolSize": 12 if place >= len(windows) - NEWEST else 4,
                        "name": name,
                    }
                    for (topic, place, _), (x, y) in zip(rows, points, strict=True)
                    if topic == name
                ],
            }
            for name in topics
        ]
        chart.update()

    return refresh


def plane(vectors_ND: Array, before_2D: Array | None) -> Array:
    """Return (2, D): the two directions in which vectors differ most, turned to be as near to those before as can be.

    The turn is that of Procrustes (Schönemann 1966), so that a map that grows does not flip.
    """
    centred_ND = vectors_ND - vectors_ND.mean(0)
    axes_2D: Array = np.linalg.svd(centred_ND, full_matrices=False)[2][:2]
    if before_2D is None or before_2D.shape != axes_2D.shape:
        return axes_2D
    left, _, right = np.linalg.svd(before_2D @ axes_2D.T)
    turned: Array = left @ right @ axes_2D
    return turned
