"""Windows into embeddings: clips are prepared here, beside the synchronizer, and embedded by a backend.

The backend is this process (``Local``) or Ray Serve (``pipeline.serve:Serve``); both give equal vectors. An encoder
that is slow, broken or nonsensical costs its own modality in that window and nothing else.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch

from pipeline.build import build
from pipeline.config import Channel, Model, Part
from pipeline.errors import ConfigError, EngineError
from pipeline.messages import NS, Array, Clip, Embedding, Encoder, Sample, Window

WARM_UP_S = 120.0
"""Longest wait for the first answer of all encoders; models load and compile before it."""

_KEPT = 500  # timings per modality, for medians


class BackendError(Exception):
    """An encoder gave no answer; ``cause`` is the word to count it under."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class Backend(Protocol):
    """Where encoders run."""

    async def start(self) -> None: ...

    async def embed(self, modality: str, batch: Array) -> Array:
        """Return the encoder's answer. Raise BackendError if there is none."""

    def replicas(self) -> Mapping[str, str]:
        """Return the states of processes that encoders run in, by modality, as they were known last; at once."""

    async def close(self) -> None: ...


@runtime_checkable
class Rowwise(Protocol):
    """An encoder that may be given the batches of several windows as one."""

    def rows_at_once(self) -> int:
        """Return how many rows at most come out of ``embed`` as each does alone, to the last bit, on this processor."""


class Asked(NamedTuple):
    """A batch that waits for its encoder, and where its answer will be."""

    batch: Array
    answer: Future[Array]


class Local:
    """Encoders in this process, each on a thread of its own, one call at a time: they share the processors, the event
    loop stays alive, and one that is stuck holds up no other.

    ``in_batches`` an encoder that is ``Rowwise`` is given all that waits for it, as far as it may: that is cheaper for
    a replay, in which much waits. How far it may, it is asked once, at first; ``mini`` takes a second to try it.
    """

    def __init__(self, encoders: Mapping[str, Encoder], in_batches: bool = False) -> None:
        self._encoders = encoders
        self._in_batches = in_batches
        self._workers = {modality: ThreadPoolExecutor(1, f"embed {modality}") for modality in encoders}
        self._waiting: dict[str, deque[Asked]] = {modality: deque() for modality in encoders}
        self._rows: dict[str, int] = {}  # at once, of the encoders that have been asked

    async def start(self) -> None:
        """Nothing to do: the encoders are here."""

    async def embed(self, modality: str, batch: Array) -> Array:
        """Return the encoder's answer. Raise BackendError if it raised."""
        asked = Asked(batch, Future())
        self._waiting[modality].append(asked)
        self._workers[modality].submit(self._work, modality)  # once for each that asks: nobody is forgotten
        return await asyncio.wrap_future(asked.answer)

    def replicas(self) -> Mapping[str, str]:
        """There are none."""
        return {}

    async def close(self) -> None:
        """Let the threads end."""
        for worker in self._workers.values():
            worker.shutdown(wait=False, cancel_futures=True)

    def _work(self, modality: str) -> None:
        if together := _taken(self._waiting[modality], self._rows.get(modality, 1)):
            self._answer(modality, together)

    def _answer(self, modality: str, together: Sequence[Asked]) -> None:
        """Answer them by one call; where it fails, each by its own, since another may be to blame."""
        try:
            answers = self._embedded(modality, [asked.batch for asked in together])
        except Exception as error:  # rim: an encoder is anyone's code
            if len(together) > 1:
                for asked in together:
                    self._answer(modality, [asked])
            else:
                told = BackendError("error", f"{type(error).__name__}: {error}")
                told.__cause__ = error
                together[0].answer.set_exception(told)
        else:
            for asked, vectors in zip(together, answers, strict=True):
                asked.answer.set_result(vectors)

    def _embedded(self, modality: str, batches: Sequence[Array]) -> list[Array]:
        encoder = self._encoders[modality]
        if self._in_batches and modality not in self._rows:
            self._rows[modality] = encoder.rows_at_once() if isinstance(encoder, Rowwise) else 1
        if len(batches) == 1:
            return [encoder.embed(batches[0])]
        ends = np.cumsum([len(batch) for batch in batches])
        return np.split(encoder.embed(np.concatenate(batches)), ends[:-1])


def _taken(waiting: deque[Asked], most: int) -> list[Asked]:
    """Take out the one that has waited longest and is still wanted, and those after it up to ``most`` rows."""
    taken: list[Asked] = []
    rows = 0
    while waiting and (not taken or rows + len(waiting[0].batch) <= most):
        asked = waiting.popleft()
        if asked.answer.set_running_or_notify_cancel():
            taken.append(asked)
            rows += len(asked.batch)
    return taken


class Engine:
    """``encode(window)``: one embedding per topic whose encoder answered in time.

    ``faults`` counts what was missing, by modality and cause: ``deadline``, ``error``, ``busy``, ``input``, ``output``.
    ``last_error`` keeps the newest sentence for each. ``latency_ms`` holds recent times per modality.
    """

    def __init__(self, encoders: Mapping[str, Encoder], backend: Backend, deadline_s: float) -> None:
        self.encoders = encoders
        self.backend = backend
        self.faults: Counter[tuple[str, str]] = Counter()
        self.last_error: dict[str, str] = {}
        self.latency_ms: dict[str, deque[float]] = {modality: deque(maxlen=_KEPT) for modality in encoders}
        self._deadline_s = deadline_s
        self._edge = ThreadPoolExecutor(1, "prepare")

    async def start(self, channels: Iterable[Channel]) -> None:
        """Start the backend and have every encoder answer once, on a blank clip of each channel.

        Raise EngineError naming the encoder that does not.
        """
        await self.backend.start()
        window = blank_window(channels)
        deadline_s, self._deadline_s = self._deadline_s, WARM_UP_S
        answered = {embedding.topic for embedding in await self.encode(window)}
        self._deadline_s = deadline_s
        for topic, clip in window.clips.items():
            if topic not in answered:
                cause = self.last_error.get(clip.modality, f"no answer within {WARM_UP_S:g} s")
                raise EngineError(f"model.encoders.{clip.modality}: no embedding of a blank {_named(topic, cause)}")
        for times in self.latency_ms.values():
            times.clear()

    async def encode(self, window: Window) -> list[Embedding]:
        """Return the embeddings of ``window``, ordered as its clips; those that are missing are in ``faults``."""
        groups: dict[str, list[Clip]] = {}
        for clip in window.clips.values():
            if clip.modality in self.encoders:
                groups.setdefault(clip.modality, []).append(clip)
        answers = await asyncio.gather(*(self._encode(modality, clips) for modality, clips in groups.items()))
        vectors = {topic: vector for answer in answers for topic, vector in answer.items()}
        return [
            Embedding(topic=clip.topic, modality=clip.modality, stamp=clip.end, vector=vectors[clip.topic])
            for clip in window.clips.values()
            if clip.topic in vectors
        ]

    async def close(self) -> None:
        """Stop the backend."""
        self._edge.shutdown(wait=False, cancel_futures=True)
        await self.backend.close()

    async def _encode(self, modality: str, clips: Sequence[Clip]) -> dict[str, Array]:
        """Embed the clips of one modality as one batch."""
        started = perf_counter()
        try:
            async with asyncio.timeout(self._deadline_s):
                loop = asyncio.get_running_loop()
                prepared = await loop.run_in_executor(self._edge, self._prepare, modality, clips)
                if not prepared:
                    return {}
                vectors = await self.backend.embed(modality, np.stack(list(prepared.values())))
            answer = dict(zip(prepared, self._checked(modality, vectors, len(prepared)), strict=True))
        except TimeoutError:
            self._fault(modality, "deadline", f"no answer within {self._deadline_s:g} s")
            return {}
        except BackendError as error:
            self._fault(modality, error.cause, str(error))
            return {}
        self.latency_ms[modality].append((perf_counter() - started) * 1e3)
        return answer

    def _prepare(self, modality: str, clips: Sequence[Clip]) -> dict[str, Array]:
        prepared = {}
        for clip in clips:
            try:
                prepared[clip.topic] = self.encoders[modality].prepare(clip)
            except ValueError as error:
                self._fault(modality, "input", _named(clip.topic, str(error)))
        return prepared

    def _checked(self, modality: str, vectors: Array, rows: int) -> Array:
        """Return ``vectors`` if they are what the protocol promises. Raise BackendError if not."""
        due = (rows, self.encoders[modality].dim)
        if not isinstance(vectors, np.ndarray) or vectors.shape != due:
            raise BackendError("output", f"embed gave {getattr(vectors, 'shape', type(vectors))}, {due} was due")
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
            raise BackendError("output", "embed gave rows that are not of unit length")
        return vectors

    def _fault(self, modality: str, cause: str, detail: str) -> None:
        self.faults[modality, cause] += 1
        self.last_error[modality] = detail


def _named(topic: str, told: str) -> str:
    """Return ``told`` with its topic before it, once: most encoders have put it there themselves."""
    return f"{topic}: {told.removeprefix(f'{topic}: ')}"


def build_encoder(modality: str, part: Part, model: Model) -> Encoder:
    """Construct the encoder of ``modality`` as ``model`` wants it run, and limit torch to its threads in this process.

    Raise ConfigError if it is one of another modality.
    """
    torch.set_num_threads(model.threads)
    encoder: Encoder = build(part, f"model.encoders.{modality}", execution=model.execution)
    if encoder.modality != modality:
        raise ConfigError([f"model.encoders.{modality}: {part.use} encodes {encoder.modality}"])
    return encoder


def build_encoders(model: Model, parts: Mapping[str, Part], modalities: Iterable[str]) -> dict[str, Encoder]:
    """Construct the encoders of ``modalities``. Raise ConfigError if their dimensions differ."""
    encoders = {modality: build_encoder(modality, parts[modality], model) for modality in modalities}
    if mistakes := list(unlike(encoders)):
        raise ConfigError(mistakes)
    return encoders


def unlike(encoders: Mapping[str, Encoder]) -> Iterator[str]:
    """Say which encoders have other dimensions than the rest: vectors of different length cannot be compared."""
    dims = {modality: encoder.dim for modality, encoder in encoders.items()}
    if len(set(dims.values())) > 1:
        told = ", ".join(f"{modality} {dim}" for modality, dim in dims.items())
        yield f"model.encoders: one space needs one dimension, these have {told}"


def blank_window(channels: Iterable[Channel]) -> Window:
    """A two-second window with a plausible, empty clip of every channel, for warming up and for measuring."""
    clips = {
        channel.topic: Clip(
            topic=channel.topic,
            modality=channel.modality,
            start=0,
            end=2 * NS,
            samples=tuple(_blank_samples(channel)),
            coverage=1.0,
            calibration=channel.calibration,
        )
        for channel in channels
    }
    return Window(start=0, end=2 * NS, clips=clips, coverage=dict.fromkeys(clips, 1.0))


def _blank_samples(channel: Channel) -> Iterable[Sample]:
    data: Array
    match channel.modality:
        case "vision":
            data = np.full((120, 160, 3), 128, np.uint8)
        case "thermal":
            data = np.full((120, 160), 29315, np.uint16)  # 20 °C
        case "depth":
            data = np.full((120, 160), 2000, np.uint16)
        case "audio":
            data = np.zeros(max(1, round(channel.calibration.sample_rate_hz / channel.rate_hz)), np.int16)
        case "imu":
            data = np.array([0, 0, 9.81, 0, 0, 0])
        case _:
            data = np.zeros(channel.calibration.shape)
    for seq in range(max(1, round(2 * channel.rate_hz))):
        yield Sample(topic=channel.topic, stamp=seq * channel.period, frame_id="", seq=seq, data=data)
