"""What says how strange a window is, in a unit of its own; ``anomaly.py`` makes promises of it."""

from collections.abc import Mapping
from typing import Protocol

from pipeline.messages import Observation


class Detector(Protocol):
    """Scores every window in order, and learns from those that were taken for normal.

    ``resolution`` is a difference between scores that means nothing: where the usual ones are all alike, no smaller
    one makes a window strange.
    """

    resolution: float

    def score(self, observation: Observation) -> Mapping[str, float]:
        """Return how strange the window is, by what tells: higher is stranger, in any unit, and finite.

        A name is a topic, ``fused``, or a topic with what is wrong with it (``/camera frozen``); what cannot be said
        is absent. Called once for each window, in order, before the window is learned.
        """

    def learn(self, observation: Observation) -> None:
        """Take a window for normal. It was scored some windows ago, so that overlapping ones do not vouch for it."""

    def nearest(self, observation: Observation, name: str) -> int:
        """Return the end of the normal window that is most like this one in what ``name`` tells; 0 is not known."""

    def state(self) -> bytes:
        """Return all that was learned, as msgpack."""

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError if it is of a detector built in another way."""
