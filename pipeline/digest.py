"""Three running SHA-256, of windows, embeddings and events: two runs that agree on them did the same, bit for bit.

Every value goes in field by field, little-endian, texts and lists after their lengths, mappings by sorted key, so that
nothing but the values themselves counts. What a window says of losses and clocks stays out: it tells of the way to
the line, and a replay has another.
"""

from collections.abc import Mapping
from hashlib import sha256
from struct import pack

import numpy as np

from pipeline.messages import Array, Clip, Embedding, Event, Observation, Sample, Window


class Digest:
    """Takes observations and events in order of their appearance.

    A sample's data is hashed once, although windows overlap: what the last window held is known to the next.
    """

    def __init__(self) -> None:
        self._windows, self._embeddings, self._events = sha256(), sha256(), sha256()
        self._known: dict[Sample, bytes] = {}  # by identity, which holds as long as the sample is kept here

    def observation(self, observation: Observation) -> None:
        """Take in the window and the embeddings of ``observation``; a window that was skipped is simply not there."""
        window = observation.window
        self._windows.update(self._window(window))
        self._embeddings.update(_integer(window.end) + _embeddings(observation.embeddings))

    def event(self, event: Event) -> None:
        """Take in one event."""
        self._events.update(_event(event))

    def hex(self) -> dict[str, str]:
        """Return the three digests so far as 64 hexadecimal digits each: ``windows``, ``embeddings``, ``events``."""
        return {
            "windows": self._windows.hexdigest(),
            "embeddings": self._embeddings.hexdigest(),
            "events": self._events.hexdigest(),
        }

    def _window(self, window: Window) -> bytes:
        seen: dict[Sample, bytes] = {}
        clips = [self._clip(window.clips[topic], seen) for topic in sorted(window.clips)]
        self._known = seen
        return b"".join(
            [
                _integer(window.start),
                _integer(window.end),
                _text(window.closed_by),
                _reals(window.coverage),
                _integer(len(clips)),
                *clips,
            ]
        )

    def _clip(self, clip: Clip, seen: dict[Sample, bytes]) -> bytes:
        known = self._known
        for sample in clip.samples:
            seen[sample] = known.get(sample) or _sample(sample)
        return b"".join(
            [
                _text(clip.topic),
                _integer(clip.start),
                _integer(clip.end),
                _real(clip.coverage),
                _integer(len(clip.samples)),
                *(seen[sample] for sample in clip.samples),
            ]
        )


def _sample(sample: Sample) -> bytes:
    """32 bytes for all of ``sample`` but its topic, which the clip names."""
    data = sample.data
    told = sha256(
        b"".join(
            [
                _integer(sample.stamp),
                _integer(sample.seq),
                _text(sample.frame_id),
                _text(data.dtype.str),
                _integer(data.ndim),
                *(_integer(size) for size in data.shape),
            ]
        )
    )
    told.update(_contiguous(data).data)
    return told.digest()


def _contiguous(data: Array) -> Array:
    return data if data.flags.c_contiguous else np.ascontiguousarray(data)


def _embeddings(embeddings: Mapping[str, Embedding]) -> bytes:
    parts = [_integer(len(embeddings))]
    for topic in sorted(embeddings):
        embedding = embeddings[topic]
        vector = np.ascontiguousarray(embedding.vector, "<f4")
        parts += [_text(topic), _integer(embedding.stamp), _integer(vector.size), vector.tobytes()]
    return b"".join(parts)


def _event(event: Event) -> bytes:
    """All but pictures and sounds: they are made of samples that the windows' digest knows, by what a library packs."""
    return b"".join(
        [
            _text(event.id),
            _text(event.phase),
            _integer(event.start),
            _integer(event.end),
            _text(event.label),
            _real(event.score),
            _text(event.source),
            _reals(event.evidence),
            _gathered(event),
        ]
    )


def _gathered(event: Event) -> bytes:
    """Nothing where nothing was gathered: events of earlier releases keep their digest. No text is -1 long."""
    told = [
        _text(event.severity),
        _reals(event.weights),
        _integer(len(event.history)),
        *(_real(score) for score in event.history),
        _integer(event.nearest),
    ]
    is_bare = event.severity == "info" and not (event.weights or event.history or event.nearest)
    return b"" if is_bare else _integer(-1) + b"".join(told)


def _reals(named: Mapping[str, float]) -> bytes:
    return _integer(len(named)) + b"".join(_text(name) + _real(named[name]) for name in sorted(named))


def _text(value: str) -> bytes:
    raw = value.encode()
    return _integer(len(raw)) + raw


def _integer(value: int) -> bytes:
    """16 bytes: a corrected stamp may lie beyond 64 bits."""
    return value.to_bytes(16, "little", signed=True)


def _real(value: float) -> bytes:
    return pack("<d", value)
