"""Clips and observations to try parts on; all arrays are read-only, as those from a socket are."""

from collections.abc import Collection, Mapping

import numpy as np

from pipeline.messages import NS, Array, Calibration, Clip, Embedding, Observation, Sample, Window

DIM = 512
"""Of the embeddings in observations: that of the mini preset."""

TOPICS = {"/camera": "vision", "/imu": "imu", "/microphone": "audio"}
RATES_HZ = {"vision": 5, "audio": 10, "depth": 5, "thermal": 5, "imu": 100}


def reading(modality: str, rng: np.random.Generator) -> Array:
    """One sample's data; the pictures are not square."""
    match modality:
        case "vision":
            return rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        case "audio":
            return rng.integers(-9000, 9000, 1600, dtype=np.int16)
        case "depth":
            return rng.integers(0, 6000, (60, 44), dtype=np.uint16)
        case "thermal":
            return rng.integers(29000, 31000, (30, 40), dtype=np.uint16)
    return np.array([0, 0, 9.81, 0, 0, 0]) + rng.normal(size=6)


def clip(modality: str, seed: int = 0) -> Clip:
    """Two seconds of ``modality`` that nobody would call calm, other ones for another seed."""
    rng = np.random.default_rng(seed)
    return clip_of([reading(modality, rng) for _ in range(2 * RATES_HZ[modality])], modality)


def clip_of(data: Collection[Array], modality: str, rate_hz: float = 0, sample_rate_hz: float = 16_000) -> Clip:
    """The two seconds from 100 s on, with ``data`` as samples ``1 / rate_hz`` apart; 0 is usual for the modality."""
    topic, start = f"/{modality}", 100 * NS
    for array in data:
        array.flags.writeable = False
    samples = tuple(
        Sample(
            topic=topic,
            stamp=start + round(seq * NS / (rate_hz or RATES_HZ[modality])),
            frame_id="",
            seq=seq,
            data=array,
        )
        for seq, array in enumerate(data)
    )
    return Clip(
        topic=topic,
        modality=modality,
        start=start,
        end=start + 2 * NS,
        samples=samples,
        coverage=1.0,
        calibration=Calibration(sample_rate_hz=sample_rate_hz if modality == "audio" else 0),
    )


def window(number: int, coverage: Mapping[str, float]) -> Window:
    """The window of two seconds that begins ``number`` half seconds after 100 s."""
    start = 100 * NS + number * NS // 2
    return Window(start=start, end=start + 2 * NS, clips={}, coverage=coverage)


def observe(number: int, vectors: Mapping[str, Array], coverage: Mapping[str, float] | None = None) -> Observation:
    """An observation of ``vectors`` by topic; the fused one is their normalised mean."""
    units = {topic: _unit(vector) for topic, vector in vectors.items()}
    view = window(number, {topic: float(topic in units) for topic in TOPICS} | dict(coverage or {}))
    return Observation(
        window=view,
        embeddings={
            topic: Embedding(topic=topic, modality=TOPICS[topic], stamp=view.end, vector=unit)
            for topic, unit in units.items()
        },
        fused=_unit(np.sum([*units.values()], axis=0) if units else np.zeros(DIM)),
        weights=dict.fromkeys(units, 1 / max(1, len(units))),
    )


def observations(
    number: int, odd: Collection[int] = (), absent: Collection[str] = (), seed: int = 0, news: Collection[str] = TOPICS
) -> list[Observation]:
    """A calm rig, each sense wavering about its own place; in the ``odd`` windows those in ``news`` go elsewhere."""
    rng = np.random.default_rng(seed)
    calm = {topic: rng.normal(size=DIM) for topic in TOPICS}
    strange = {topic: rng.normal(size=DIM) for topic in TOPICS}
    stream = []
    for index in range(number):
        noise = {topic: 0.1 * rng.normal(size=DIM) for topic in TOPICS}
        places = {topic: strange[topic] if index in odd and topic in news else calm[topic] for topic in TOPICS}
        stream.append(observe(index, {topic: places[topic] + noise[topic] for topic in TOPICS if topic not in absent}))
    return stream


def _unit(vector: Array) -> Array:
    norm = np.linalg.norm(vector)
    unit = (vector / norm if norm else vector).astype(np.float32)
    unit.flags.writeable = False
    return unit
