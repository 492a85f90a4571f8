"""Samples of every kind that a wire can carry, for what is to keep them bit for bit."""

from collections.abc import Iterator

import numpy as np
from makers import CAMERA, DEPTH, IMU, MICROPHONE, RIG, T0, THERMAL

from pipeline.config import Config
from pipeline.errors import LogError
from pipeline.logs.recorded import Recorded
from pipeline.messages import Array, Received, Sample

CONFIG = Config(channels=RIG)

COMMON: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    CAMERA.topic: [("|u1", (12, 16, 3)), ("|u1", (12, 16)), ("|u1", (1, 1, 3))],
    DEPTH.topic: [("<u2", (6, 8)), ("<f4", (6, 8)), ("<f8", (5, 7))],
    THERMAL.topic: [("|u1", (6, 8)), ("<u2", (6, 8)), ("<f4", (6, 8)), ("<f8", (6, 8))],
    IMU.topic: [("<f8", (6,)), ("<f8", (3,)), ("<f4", (6,)), ("<f4", (3,))],
    MICROPHONE.topic: [("<i2", (320,)), ("<i2", (160, 2)), ("<f4", (320,)), ("<f4", (80, 4)), ("<f8", (99,))],
}
"""What ROS has a message for."""

ODD: list[tuple[str, tuple[int, ...]]] = [
    ("<f2", (6, 8)), (">f4", (6, 8)), (">u2", (2, 2)), ("|b1", (4,)), ("<c16", (3,)), ("<i8", (2, 3, 4, 5)),
    ("|u1", ()), ("|u1", (0, 3)), ("<f4", (0,)), ("<i2", (7, 1)), ("<f8", (7,)), ("|u1", (4, 4, 4)),
    ("<f8", (2**40, 0)),
]  # fmt: skip
"""What a gate refuses, and a recording keeps all the same."""

TEXTS = ("", "base", "caméra/左", "a b\tc", "🤖")
SESSIONS = ("", "0f1e2d", "später")


def values(dtype: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Any bits, so also infinities, signed zeros and NaN with a payload."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(kind)
    return np.frombuffer(rng.bytes(int(np.prod(shape, dtype=object)) * kind.itemsize), kind).reshape(shape)


def any_received(rng: np.random.Generator, odd: bool = False) -> Received:
    """A sample of a random topic; what stands in it has nothing to do with what came before."""
    topic = str(rng.choice(list(COMMON)))
    kinds = ODD if odd else COMMON[topic]
    dtype, shape = kinds[rng.integers(len(kinds))]
    data = values(dtype, shape, rng)
    if topic == IMU.topic and not odd:
        data = rng.normal(0, 10, shape).astype(dtype)
    return Received(
        sample=Sample(
            topic=topic,
            stamp=int(rng.choice([0, 1, T0 + int(rng.integers(10**9)), 2**31 * 10**9 - 1, 2**31 * 10**9, 2**62])),
            frame_id=str(rng.choice(TEXTS)),
            seq=int(rng.choice([0, int(rng.integers(2**31)), 2**32 - 1, 2**32, 2**63 - 1])),
            data=data,
        ),
        received=int(T0 + rng.integers(5)),
        sent=int(rng.choice([0, T0, 2**62])),
        session=str(rng.choice(SESSIONS)),
    )


def many(number: int, seed: int = 0) -> Iterator[Received]:
    """Random samples, every fifth of an odd kind."""
    rng = np.random.default_rng(seed)
    for index in range(number):
        yield any_received(rng, odd=index % 5 == 4)


def parts(received: Received) -> tuple[object, ...]:
    """All that a received sample is made of, in a form that compares by bits."""
    one = received.sample
    told = (one.topic, one.stamp, one.frame_id, one.seq, one.data.dtype.str, one.data.shape, one.data.tobytes())
    return (*told, received.received, received.sent, received.session)


def whole(recorded: Recorded) -> tuple[list[Received], str]:
    """Return the samples that can be read, and what is said where they end early."""
    found: list[Received] = []
    try:
        for one in recorded.samples():
            found.append(one)
    except LogError as error:
        return found, str(error)
    return found, ""
