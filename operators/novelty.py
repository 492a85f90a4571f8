"""What is unusual here: nearest neighbours in a bounded memory of normal."""

from collections import deque

from operators.episodes import Episodes
from operators.memory import Memory
from pipeline.messages import Array, Event, Observation

MAX_MEMORIES = 32
"""Of different sets of topics; the one unused for longest goes first."""

Topics = tuple[str, ...]


class Novelty:
    """Opens an event when a window is unlike those remembered, and names the senses that tell.

    Each topic's embedding, and the fused vector of each set of topics, has a memory of its own: an absent camera
    changes what fuses, and is no news in itself. A vector's distance is the mean cosine distance to the nearest
    ``neighbours`` in memory; its deviation counts robust standard deviations above the median of the last ``recent``
    distances. A window's score is its largest deviation, and from ``sensitivity`` on it is novel: far above the usual
    3, since distances have a heavy tail and half a dozen vectors are asked at once. Evidence is each topic's
    deviation, that of ``fused``, and ``missing <topic>``: the share of its clip without samples.

    Scored first, then learned, ``delay`` windows later so that windows that overlap do not vouch for each other. What
    is novel is not learned, nor what waited beside it. Yet what stays for ``adapt`` windows is the new normal: from
    then on it is learned, and the event closes. A memory is asked once it has ``warm_up`` distances. A topic that
    covers less than ``coverage`` of its clip is neither scored nor learned.
    """

    def __init__(
        self,
        neighbours: int = 3,
        memory: int = 600,
        recent: int = 100,
        warm_up: int = 15,
        sensitivity: float = 8.0,
        quiet: int = 2,
        delay: int = 4,
        adapt: int = 30,
        coverage: float = 0.75,
        source: str = "novelty",
    ) -> None:
        if not 1 <= neighbours <= memory or not 1 <= warm_up <= recent:
            raise ValueError(
                f"neighbours {neighbours} must be 1 to memory {memory}, warm_up {warm_up} must be 1 to recent {recent}"
            )
        if min(sensitivity, quiet, adapt) <= 0 or delay < 0:
            raise ValueError(
                f"sensitivity {sensitivity}, quiet {quiet} and adapt {adapt} must be above 0, delay {delay} not below"
            )
        self.neighbours = neighbours
        self.memory = memory
        self.recent = recent
        self.warm_up = warm_up
        self.sensitivity = sensitivity
        self.quiet = quiet
        self.delay = delay
        self.adapt = adapt
        self.coverage = coverage
        self.source = source
        self._memories: dict[Topics, Memory] = {}
        self._waiting: deque[dict[Topics, tuple[Array, float | None]]] = deque()
        self._episodes = Episodes(source, "novelty", source, quiet)

    def __call__(self, observation: Observation) -> list[Event]:
        """Score the observation, then learn from those that have waited long enough."""
        vectors = self._vectors(observation)
        distances = {topics: self._memory(topics).distance(vector) for topics, vector in vectors.items()}
        deviations = {
            topics: memory.deviation(distance)
            for topics, distance in distances.items()
            if distance is not None and len((memory := self._memory(topics)).usual) >= self.warm_up
        }
        score = max(deviations.values(), default=0.0)
        if score >= self.sensitivity:
            events = list(self._episodes.seen(observation.window, score, _evidence(deviations, observation)))
        else:
            events = list(self._episodes.missed())
        self._learn({topics: (vector, distances[topics]) for topics, vector in vectors.items()})
        return events

    def finish(self) -> list[Event]:
        """Close the open event."""
        return list(self._episodes.finish())

    def _vectors(self, observation: Observation) -> dict[Topics, Array]:
        """Return what can be compared, by the topics that made it: embeddings, and the fused if all are whole."""
        coverage = observation.window.coverage
        whole = sorted(topic for topic in observation.embeddings if coverage.get(topic, 1.0) >= self.coverage)
        vectors: dict[Topics, Array] = {(topic,): observation.embeddings[topic].vector for topic in whole}
        if len(whole) == len(observation.embeddings) > 1:
            vectors[tuple(whole)] = observation.fused
        return vectors

    def _memory(self, topics: Topics) -> Memory:
        memory = self._memories.pop(topics, None) or Memory(self.memory, self.neighbours, self.recent)
        self._memories[topics] = memory
        if len(self._memories) > MAX_MEMORIES:
            del self._memories[next(iter(self._memories))]
        return memory

    def _learn(self, scored: dict[Topics, tuple[Array, float | None]]) -> None:
        if self._episodes.is_open and self._episodes.num_windows < self.adapt:
            self._waiting.clear()
            return
        self._waiting.append(scored)
        if len(self._waiting) > self.delay:
            for topics, (vector, distance) in self._waiting.popleft().items():
                self._memory(topics).learn(vector, distance)


def _evidence(deviations: dict[Topics, float], observation: Observation) -> dict[str, float]:
    evidence = {"fused" if len(topics) > 1 else topics[0]: value for topics, value in deviations.items()}
    missing = {f"missing {topic}": 1 - share for topic, share in observation.window.coverage.items() if share < 1}
    return evidence | missing
