"""What goes into the index: observations as rows."""

from collections.abc import Iterator, Mapping

from pipeline.messages import Event, Observation
from pipeline.search.table import FUSED, MomentRow, Moments
from pipeline.thumbnail import picture


class Index:
    """Makes rows of observations, and adds them to ``moments`` in batches.

    A window's tags are the labels of the events that are open in it, its anomaly the highest of their scores. Rows of
    ``log`` that are there already, from a run that was stopped, are not added again.
    """

    def __init__(
        self, moments: Moments, log: str, rig: str = "", metadata: Mapping[str, str | float | bool] = {}
    ) -> None:
        self.moments = moments
        self.log = log
        self.rig = rig
        self.metadata = metadata
        self.num_rows = 0
        self._open: dict[str, Event] = {}
        self._waiting: list[MomentRow] = []
        self._known = moments.known(log)

    def write(self, event: Event) -> None:
        """Take note of an event of the window that is shown next."""
        if event.phase == "closed":
            self._open.pop(event.id, None)
        else:
            self._open[event.id] = event

    def show(self, observation: Observation) -> None:
        """Add an observation, after its events were written."""
        if observation.window.end > self._known:
            self._waiting += self.rows(observation)
        if len(self._waiting) >= 512:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self.moments.add(self._waiting)
        self.num_rows += len(self._waiting)
        self._waiting.clear()

    def rows(self, observation: Observation) -> Iterator[MomentRow]:
        """Yield a row for each topic that answered, and one for what they say together."""
        window = observation.window
        tags = tuple(sorted({event.label for event in self._open.values()}))
        anomaly = max((event.score for event in self._open.values() if event.source != "tagging"), default=0.0)
        pictures = {
            topic: picture(clip.modality, clip.samples[len(clip.samples) // 2])
            for topic, clip in window.clips.items()
            if clip.modality in ("vision", "thermal", "depth")
        }
        vectors = [(topic, of.modality, of.vector) for topic, of in observation.embeddings.items()]
        if observation.fused.any():
            vectors.append((FUSED, FUSED, observation.fused))
        shown = next(iter(pictures.values()), b"")
        for topic, modality, vector_D in vectors:
            yield MomentRow(
                vector=vector_D,
                topic=topic,
                modality=modality,
                log=self.log,
                rig=self.rig,
                start=window.start,
                end=window.end,
                tags=tags,
                anomaly=anomaly,
                thumbnail=pictures.get(topic, shown),
                metadata=self.metadata,
            )
