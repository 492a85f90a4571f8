"""The baseline of ``rigbind bench sync``: greedy sets of messages, as ROS's Python synchronizer looks for them."""

import itertools
from collections.abc import Sequence

from pipeline.messages import Sample


class CartesianSynchronizer:
    """Goes about it as ``ApproximateTimeSynchronizer`` of ROS 2's ``message_filters`` does (rolling, 2025).

    Every arrival is queued by its stamp, and the oldest go where more than ``queue`` wait. Of each other topic, in the
    order of ``topics``, all that wait are looked through for those within ``slop``, nearest first; where there is
    none, that is all. Then every combination of them is tried; the first whose stamps span less than ``slop`` is the
    set, and leaves the queues. No lateness, no partial sets.

    Stamps are integers here. ROS makes a ``Duration`` of every one that it looks at and a ``Time`` of every one that
    is near, and takes a lock: this is quicker than the original.
    """

    def __init__(self, topics: Sequence[str], queue: int, slop: int) -> None:
        self._queues: dict[str, dict[int, Sample]] = {topic: {} for topic in topics}
        self._queue = queue
        self._slop = slop

    def push(self, sample: Sample) -> tuple[Sample, ...] | None:
        """Take one sample; return the set that it completes, with the sample first."""
        mine, stamp = self._queues[sample.topic], sample.stamp
        mine[stamp] = sample
        while len(mine) > self._queue:
            del mine[min(mine)]
        others = [queue for topic, queue in self._queues.items() if topic != sample.topic]
        candidates = []
        for queue in others:
            near = [(abs(other - stamp), other) for other in queue if abs(other - stamp) <= self._slop]
            if not near:
                return None
            candidates.append([other for _, other in sorted(near)])
        for combination in itertools.product(*candidates):
            if max(stamp, *combination) - min(stamp, *combination) < self._slop:
                del mine[stamp]
                return (sample, *(queue.pop(other) for queue, other in zip(others, combination, strict=True)))
        return None
