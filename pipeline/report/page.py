"""Draws what was gathered: one HTML file with its pictures in it, which needs no network."""

import io
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader
from msgspec import Struct
from PIL import Image

from pipeline.errors import InputError
from pipeline.ledger import MEANING
from pipeline.line import Line
from pipeline.messages import NS, Array, Event
from pipeline.report.gather import Gathering, strongest, unlike
from pipeline.thumbnail import INFERNO

WIDTH = 1000
"""Of a panel, in its own units; on the screen it is as wide as there is room."""

HEIGHT = 60
MAX_SHOWN = 14
"""Thumbnails beside each other."""

MAX_SCORES = 16
"""Curves of what operators score."""

MAX_EVENTS = 500
"""Rows of the table; the strongest are shown."""


class Mark(Struct, frozen=True):
    """Something on the line of time: percent of its width from the left, and how wide."""

    left: float
    width: float
    title: str = ""
    kind: str = ""
    source: str = ""  # of an image


class Lane(Struct, frozen=True):
    """One row of the page; what it holds depends on its kind."""

    name: str
    note: str = ""
    marks: Sequence[Mark] = ()
    image: str = ""
    area: str = ""  # an SVG path, filled
    curve: str = ""  # another, drawn
    top: str = ""  # what the upper edge stands for


def write_page(path: Path, gathering: Gathering, line: Line, name: str) -> None:
    """Write the page about the last pass to ``path``, over what was there. Raise InputError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(gathering, line, name), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: no report can be written there: {error.strerror}") from error


def page(gathering: Gathering, line: Line, name: str) -> str:
    """Return the page; ``name`` is the log's."""
    settings = line.config.window
    start = gathering.ends[0] - round(settings.stride_s * NS) if gathering.ends else 0
    end = max(gathering.ends[-1], start + 1) if gathering.ends else 1
    drawing = Drawing(gathering, start, end)
    longest = max(settings.length_s, *settings.context_s.values())
    events = sorted(gathering.events.values(), key=lambda event: -event.score)[:MAX_EVENTS]
    environment = Environment(loader=PackageLoader("pipeline.report", ""), autoescape=True, trim_blocks=True)
    return environment.get_template("page.html").render(
        name=name,
        rig=line.config.rig.name,
        began=datetime.fromtimestamp(start / NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        seconds=(end - start) / NS,
        windows=line.windows,
        num_events=len(gathering.events),
        ticks=drawing.ticks(),
        tracks=drawing.events(),
        scores=drawing.scores(),
        unlike=drawing.unlike(round(longest * NS)),
        coverage=drawing.coverage(),
        pictures=drawing.pictures(),
        sounds=drawing.sounds(),
        motions=drawing.motions(),
        events=[drawing.row(event) for event in sorted(events, key=lambda event: event.start)],
        num_left_out=max(0, len(gathering.events) - MAX_EVENTS),
        causes=[cause for cause in MEANING if cause != "restart"],
        books={channel.topic: line.ledger.row(channel.topic) for channel in line.config.channels},
        digests=line.digest.hex(),
    )


class Drawing:
    """Puts what was gathered on one line of time, ``[start, end)``."""

    def __init__(self, gathering: Gathering, start: int, end: int) -> None:
        self._all = gathering
        self._start, self._end = start, end

    def ticks(self) -> list[Mark]:
        """Return about ten round times."""
        span_s = (self._end - self._start) / NS
        steps = [base * 10**power for power in range(-3, 6) for base in (1, 2, 5)]
        step_s = next((step for step in steps if span_s / step <= 10), steps[-1])
        return [Mark(100 * n * step_s / span_s, 0, f"{n * step_s:g} s") for n in range(int(span_s / step_s) + 1)]

    def events(self) -> list[Lane]:
        """Return a lane for each source and label, in order of their first events."""
        lanes: dict[tuple[str, str], list[Mark]] = {}
        for event in sorted(self._all.events.values(), key=lambda event: event.start):
            title = f"{event.label}, score {event.score:.2f}, {self._seconds(event.start):.2f} s"
            lanes.setdefault((event.source, event.label), []).append(
                self._mark(event.start, event.end, title, event.severity)
            )
        return [Lane(label, source, marks) for (source, label), marks in lanes.items()]

    def scores(self) -> list[Lane]:
        """Return a curve for each thing that an operator scores, the highest of very many."""
        highest = sorted(self._all.scores, key=lambda name: -max(score for _, score in self._all.scores[name]))
        return [self._score(name) for name in sorted(highest[:MAX_SCORES])]

    def unlike(self, apart: int) -> list[Lane]:
        """Return a curve for each topic: how unlike everything before it a window is."""
        lanes = []
        for topic, vectors in self._all.vectors.items():
            found = unlike(vectors, apart)
            top = max([0.1, *(value for _, value in found)])
            lanes.append(Lane(topic, area=self._hill(found, top), top=f"{top:.2f}"))
        return lanes

    def coverage(self) -> list[Lane]:
        """Return for each topic where it was absent or partial."""
        return [
            Lane(topic, marks=[mark for mark in map(self._hole, self._all.ends, shares) if mark])
            for topic, shares in self._all.coverage.items()
        ]

    def pictures(self) -> list[Lane]:
        """Return thumbnails side by side, each the nearest to the time that it begins at."""
        return [Lane(topic, marks=self._film(taken.kept)) for topic, taken in self._all.pictures.items()]

    def sounds(self) -> list[Lane]:
        """Return a spectrogram for each topic."""
        return [
            Lane(topic, image=_data("image/png", _png(heard.picture(self._start, self._end, WIDTH))))
            for topic, heard in self._all.sounds.items()
        ]

    def motions(self) -> list[Lane]:
        """Return two curves for each topic, or one without a gyroscope."""
        lanes = []
        for topic, motion in self._all.motions.items():
            for which, note in enumerate(("|a|", "|ω|")):
                curve = motion.curve(which, self._start, self._end, WIDTH)
                top = max((high for _, _, high in curve), default=0.0)
                if curve:
                    scaled = [(x, low / (top or 1), high / (top or 1)) for x, low, high in curve]
                    lanes.append(Lane(topic, note, area=_area(scaled), curve=_curve(scaled), top=f"{top:.3g}"))
        return lanes

    def row(self, event: Event) -> dict[str, object]:
        """Return what the table says of ``event``."""
        return {
            "at": self._seconds(event.start),
            "for": (event.end - event.start) / NS,
            "label": event.label,
            "score": event.score,
            "source": event.source,
            "severity": event.severity,
            "evidence": strongest(event),
            "pictures": {topic: _data("image/jpeg", jpeg) for topic, jpeg in event.pictures.items()},
            "sounds": {topic: _data("audio/wav", wav) for topic, wav in event.sounds.items()},
        }

    def _score(self, name: str) -> Lane:
        found = self._all.scores[name]
        top = max(1.0, *(score for _, score in found))
        return Lane(name, area=self._hill(found, top), top=f"{top:.2f}")

    def _hill(self, found: Sequence[tuple[int, float]], top: float) -> str:
        return _area([(self._place(stamp) / 100, 0.0, max(0.0, value) / top) for stamp, value in found])

    def _film(self, kept: Sequence[tuple[int, bytes]]) -> list[Mark]:
        if not kept:
            return []
        stamps = np.array([stamp for stamp, _ in kept])
        places: dict[int, float] = {}  # of the frames that are shown, each once
        for slot in range(MAX_SHOWN):
            wanted = self._start + slot * (self._end - self._start) // MAX_SHOWN
            places.setdefault(int(np.abs(stamps - wanted).argmin()), 100 * slot / MAX_SHOWN)
        return [
            Mark(place, 0, f"{self._seconds(kept[number][0]):.2f} s", source=_data("image/jpeg", kept[number][1]))
            for number, place in places.items()
        ]

    def _hole(self, end: int, share: float) -> Mark | None:
        if share >= 1:
            return None
        stride = (self._end - self._start) // max(1, len(self._all.ends))
        kind = "partial" if share else "absent"
        return self._mark(end - stride, end, f"{share:.0%} at {self._seconds(end):.2f} s", kind)

    def _mark(self, start: int, end: int, title: str, kind: str) -> Mark:
        left, right = self._place(start), self._place(end)
        return Mark(left, max(0.15, right - left), title, kind)

    def _place(self, stamp: int) -> float:
        """Percent of the width."""
        return round(100 * min(1.0, max(0.0, (stamp - self._start) / (self._end - self._start))), 3)

    def _seconds(self, stamp: int) -> float:
        return (stamp - self._start) / NS


def _area(points: Sequence[tuple[float, float, float]]) -> str:
    """Return the SVG path around (x, low, high), all in 0..1 and y upwards."""
    if not points:
        return ""
    upper = [f"{x * WIDTH:.1f},{HEIGHT * (1 - high):.1f}" for x, _, high in points]
    lower = [f"{x * WIDTH:.1f},{HEIGHT * (1 - low):.1f}" for x, low, _ in reversed(points)]
    return f"M{' L'.join([*upper, *lower])} Z"


def _curve(points: Sequence[tuple[float, float, float]]) -> str:
    """Return the SVG path through the middle, which shows where the area is too thin to be seen."""
    middle = [f"{x * WIDTH:.1f},{HEIGHT * (1 - (low + high) / 2):.1f}" for x, low, high in points]
    return f"M{' L'.join(middle)}"


def _png(level_KT: Array) -> bytes:
    """Return a picture in inferno's colours, see-through where nothing is known."""
    known = np.isfinite(level_KT)
    steps = np.linspace(0, 1, len(INFERNO))
    colours = [np.interp(np.nan_to_num(level_KT), steps, channel) for channel in np.array(INFERNO).T]
    buffer = io.BytesIO()
    Image.fromarray(np.stack([*colours, known * 255.0], axis=-1).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
