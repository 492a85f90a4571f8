"""Events against the truth of simulated worlds: which happening an event may be of."""

from collections.abc import Mapping

from operators.alarms import is_fault
from pipeline.messages import NS, Event
from sensors.simulator import Happening

ABOUT_STREAMS = frozenset({"streams", "clock", "alignment", "recorder"})
"""Sources whose events say how samples came, and nothing of what is in them."""

AFTER = 5 * NS
"""How long a window still holds something of what is over: the longest context, that of an IMU."""


def topic_of(event: Event) -> str:
    """Return the topic whose fault an event is, or that speaks loudest for it; "" where none does.

    >>> topic_of(Event(id="a", phase="closed", start=0, end=1, label="anomaly", score=1, source="anomaly",
    ...                evidence={"/imu saturated": 3.0, "fused": 9.0}))
    '/imu'
    """
    of_topics = {name: value for name, value in event.evidence.items() if name.startswith("/")}
    is_named = event.label.startswith("/") and (not of_topics or (event.label in of_topics and is_fault(event.label)))
    name = event.label if is_named else max(of_topics, key=lambda name: of_topics[name], default="")
    return name.partition(" ")[0].removesuffix(":")


def explains(happening: Happening, event: Event, modality_of: Mapping[str, str], after: int) -> bool:
    """Say whether an event is of a happening: they meet, and its loudest sense can tell of it.

    A tag must have its name; what is told of a stream's way to the line is of a fault only. ``after`` is how long it
    is still found in windows, in nanoseconds.
    """
    if not (event.start < happening.end + after and event.end > happening.start):
        return False
    if event.source in ABOUT_STREAMS and happening.kind != "fault":
        return False
    if event.source == "tagging":
        return event.label in happening.label
    topic = topic_of(event)
    return topic not in modality_of or modality_of[topic] in happening.modalities
