"""Samples survive the wire unchanged, and nothing else gets through."""

import io
import tracemalloc

import msgspec
import numpy as np
import pytest
from makers import sample
from PIL import Image

from pipeline.errors import WireError
from pipeline.messages import Array
from pipeline.wire import MAX_BYTES, VERSION, Codec, from_frames, to_frames

FRAME_720P = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
GOOD = {"version": VERSION, "session": "a1", "seq": 3, "stamp_ns": 5, "dtype": "<f8", "shape": [6], "codec": "raw"}
CAUSES = {"truncated", "oversized", "version", "header", "dtype", "shape", "payload"}


def frames(payload: bytes = bytes(48), **changes: object) -> list[bytes]:
    return [b"/imu", msgspec.msgpack.encode(GOOD | changes), payload]


def cause_of(raw: list[bytes]) -> str:
    with pytest.raises(WireError) as caught:
        from_frames(raw)
    return caught.value.cause


@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<u2", ">u2", "<i4", ">i4", "<f4", ">f8", "<f2", "<c8"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("codec", ["raw", "zstd"])
def test_round_trip_keeps_every_field(dtype: str, shape: tuple[int, ...], codec: Codec) -> None:
    data = (np.random.default_rng(1).normal(0, 50, shape) * np.ones(shape)).astype(dtype)
    sent = sample("/a/b", 1.25, 9, data)
    got, header = from_frames([bytes(frame) for frame in to_frames(sent, "s1", 17, codec)])
    assert (got.topic, got.stamp, got.seq, got.frame_id) == (sent.topic, sent.stamp, sent.seq, sent.frame_id)
    assert (header.session, header.sent_ns, header.codec) == ("s1", 17, codec)
    assert got.data.dtype == np.dtype(dtype).newbyteorder("=")
    assert got.data.shape == shape
    np.testing.assert_array_equal(got.data, data)


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        ("png", FRAME_720P),
        ("png", FRAME_720P[..., 0]),
        ("png", np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) * 13),
    ],
)
def test_png_is_lossless(codec: Codec, data: Array) -> None:
    got, _ = from_frames([bytes(frame) for frame in to_frames(sample(data=data), "s", 0, codec)])
    np.testing.assert_array_equal(got.data, data)


def test_jpeg_is_near() -> None:
    smooth = np.linspace(0, 255, 120 * 160 * 3).reshape(120, 160, 3).astype(np.uint8)
    got, _ = from_frames([bytes(frame) for frame in to_frames(sample(data=smooth), "s", 0, "jpeg")])
    assert np.abs(got.data.astype(int) - smooth).mean() < 3


def test_a_720p_frame_crosses_without_a_copy() -> None:
    sent = sample("/camera", data=FRAME_720P)
    to_frames(sent, "s")  # warm
    tracemalloc.start()
    raw = to_frames(sent, "s")
    got, _ = from_frames(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(got.data, FRAME_720P)
    assert peak < 100_000


@pytest.mark.parametrize("codec", ["raw", "zstd", "png"])
def test_what_arrives_is_read_only(codec: Codec) -> None:
    got, _ = from_frames([bytes(frame) for frame in to_frames(sample(data=FRAME_720P), "s", 0, codec)])
    with pytest.raises(ValueError, match="read-only"):
        got.data[0] = 1


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        ([], "truncated"),
        ([b"/imu"], "truncated"),
        (frames()[:2], "truncated"),
        ([*frames(), b""], "truncated"),
        ([b"/imu", bytes(5000), b""], "oversized"),
        ([b"x" * 5000, *frames()[1:]], "oversized"),
        ([b"/imu", b"", b""], "header"),
        ([b"/imu", b"\xc1\xff\x00", b""], "header"),
        ([b"\xff\xfe", *frames()[1:]], "header"),
        (frames(version=2), "version"),
        (frames(version=2, shape="later versions may differ"), "version"),
        (frames(session=""), "header"),
        (frames(seq=-1), "header"),
        (frames(stamp_ns=-5), "header"),
        (frames(stamp_ns=2**63), "header"),
        (frames(stamp_ns=1.5), "header"),
        (frames(dtype="|O"), "header"),
        (frames(dtype="<U4"), "header"),
        (frames(dtype="<f8,<f8"), "header"),
        (frames(dtype="<f9"), "dtype"),
        (frames(shape=[7]), "shape"),
        (frames(shape=[-6]), "header"),
        (frames(shape=[1] * 9), "header"),
        (frames(shape=[2**40, 2**40]), "oversized"),
        (frames(bytes(8), shape=[10**9], dtype="|u1", codec="zstd"), "oversized"),
        (frames(codec="pickle"), "header"),
        (frames(codec="zstd"), "payload"),
        (frames(codec="png", shape=[4, 4], dtype="|u1"), "payload"),
    ],
)
def test_malformed_frames_are_named(raw: list[bytes], cause: str) -> None:
    assert cause_of(raw) == cause


def test_the_sentence_names_topic_and_value() -> None:
    with pytest.raises(WireError, match=r"shape: /imu: \(7,\) of float64 is 56 bytes, the payload 48"):
        from_frames(frames(shape=[7]))


def test_object_arrays_may_not_leave() -> None:
    with pytest.raises(WireError, match="dtype: /imu: object may not travel"):
        to_frames(sample(data=np.array([{}], object)), "s")


def test_float_pictures_have_no_jpeg() -> None:
    with pytest.raises(WireError, match="jpeg cannot hold float64"):
        to_frames(sample(data=np.zeros((4, 4))), "s", 0, "jpeg")


def test_a_picture_larger_than_its_header_says_is_never_decoded() -> None:
    bomb = io.BytesIO()
    Image.new("L", (6000, 6000)).save(bomb, "png")
    raw = frames(bomb.getvalue(), codec="png", shape=[4, 4], dtype="|u1")
    assert_refused_without_allocating(raw)


def test_a_zstd_bomb_is_never_unpacked() -> None:
    packed = bytes(to_frames(sample(data=np.zeros(30_000_000, np.uint8)), "s", 0, "zstd")[2])
    assert len(packed) < 10_000
    assert_refused_without_allocating(frames(packed, codec="zstd", shape=[48], dtype="|u1"))


def assert_refused_without_allocating(raw: list[bytes]) -> None:
    tracemalloc.start()
    assert cause_of(raw) == "payload"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_unknown_header_keys_are_left_alone() -> None:
    got, _ = from_frames(frames(colour="green"))
    assert got.seq == 3


@pytest.mark.slow
def test_a_hundred_thousand_broken_frames_are_all_refused_by_name() -> None:
    rng = np.random.default_rng(2)
    whole = [bytes(frame) for frame in to_frames(sample(data=np.arange(6.0)), "0123456789abcdef", 5)]
    outcomes: dict[str, int] = {}
    for _ in range(100_000):
        raw = broken(whole, rng)
        try:
            got, _ = from_frames(raw)
            outcome = "sample"
            assert got.data.nbytes <= MAX_BYTES
            assert got.stamp >= 0
        except WireError as error:
            outcome = error.cause
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert set(outcomes) <= CAUSES | {"sample"}
    assert outcomes["header"] > 10_000
    assert outcomes["truncated"] > 1_000
    assert outcomes["shape"] > 1_000


def broken(whole: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Flip, cut, repeat or replace something in ``whole``."""
    raw = list(whole)
    which = int(rng.integers(3))
    match int(rng.integers(6)):
        case 0:
            raw[which] = rng.bytes(int(rng.integers(200)))
        case 1:
            raw[which] = raw[which][: int(rng.integers(len(raw[which])))]
        case 2:
            raw[which] += rng.bytes(int(rng.integers(1, 50)))
        case 3:
            del raw[which]
        case _:
            flipped = bytearray(raw[which])
            for _ in range(int(rng.integers(1, 6))):
                flipped[int(rng.integers(len(flipped)))] ^= int(rng.integers(1, 256))
            raw[which] = bytes(flipped)
    return raw
