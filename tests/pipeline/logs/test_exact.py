"""A sample becomes a message of ROS where one can hold it, and comes back with every bit where it was."""

import numpy as np
import pytest
from makers import T0, sample
from mcap.records import Message
from msgspec.structs import replace
from recordings import COMMON, ODD, SESSIONS, TEXTS, many, parts, values

from pipeline.logs.exact import AUDIO, COMPRESSED, IMAGE, IMU, Form, definition, encode, form_of, restore, store
from pipeline.logs.numbers import SAMPLE
from pipeline.messages import Array, Compressed, Received
from pipeline.wire import Codec, from_frames, to_frames

MODALITIES = {"/camera": "vision", "/depth": "depth", "/thermal": "thermal", "/imu": "imu", "/microphone": "audio"}


def received(topic: str, data: Array, **fields: object) -> Received:
    return Received(sample=replace(sample(topic, data=data), **fields), received=T0 + 7, sent=T0 + 3, session="s")


def there_and_back(one: Received) -> Received:
    form = form_of(one, MODALITIES[one.sample.topic])
    data = b"".join(encode(one, form))
    return restore(form, Message(0, one.received, data, one.sent, one.sample.seq % 2**32))


def fields_of(one: Received) -> tuple[str, object]:
    form = form_of(one, MODALITIES[one.sample.topic])
    return form.type, store().deserialize_cdr(b"".join(encode(one, form, 16_000.0)), form.type)


def test_thousands_of_random_samples_come_back_bit_for_bit() -> None:
    for one in many(4000, seed=1):
        assert parts(there_and_back(one)) == parts(one)


@pytest.mark.parametrize(
    ("topic", "dtype", "shape"), [(topic, *kind) for topic, kinds in COMMON.items() for kind in kinds]
)
def test_the_usual_samples_are_messages_that_others_know(topic: str, dtype: str, shape: tuple[int, ...]) -> None:
    data = np.ones(shape, dtype)
    assert form_of(received(topic, data), MODALITIES[topic]).type in (IMAGE, IMU, AUDIO)


@pytest.mark.parametrize(("dtype", "shape"), ODD)
@pytest.mark.parametrize("topic", MODALITIES)
def test_odd_samples_come_back_bit_for_bit(topic: str, dtype: str, shape: tuple[int, ...]) -> None:
    one = received(topic, values(dtype, shape, np.random.default_rng(3)))
    assert parts(there_and_back(one)) == parts(one)


@pytest.mark.parametrize("stamp", [0, 1, T0, 2**31 * 10**9 - 1, 2**31 * 10**9, 2**62, 2**63 - 1])
@pytest.mark.parametrize("seq", [0, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("topic", MODALITIES)
def test_every_stamp_and_number_comes_back(topic: str, stamp: int, seq: int) -> None:
    dtype, shape = COMMON[topic][0]
    one = received(topic, np.ones(shape, dtype), stamp=stamp, seq=seq)
    assert parts(there_and_back(one)) == parts(one)


@pytest.mark.parametrize("topic", MODALITIES)
def test_every_text_comes_back(topic: str) -> None:
    dtype, shape = COMMON[topic][0]
    for frame_id in (*TEXTS, "a\0b"):
        for session in SESSIONS:
            one = replace(received(topic, np.ones(shape, dtype), frame_id=frame_id), session=session)
            assert parts(there_and_back(one)) == parts(one)


@pytest.mark.parametrize("bad", [np.nan, np.inf, np.frombuffer(b"\x01\x00\xa0\x7f", "<f4")[0]])
def test_an_imu_that_is_not_finite_keeps_its_bits(bad: float) -> None:
    one = received("/imu", np.array([bad, 0, 0], np.float32))
    assert form_of(one, "imu").type == SAMPLE
    assert parts(there_and_back(one)) == parts(one)


def test_an_imu_keeps_the_sign_of_zero_and_the_smallest_values() -> None:
    one = received("/imu", np.array([-0.0, 1e-45, -1e-40, 0, 3.4e38, 1], np.float32))
    assert form_of(one, "imu").type == IMU
    assert parts(there_and_back(one)) == parts(one)


def test_a_depth_pictures_nan_and_infinity_come_back() -> None:
    one = received("/depth", np.array([[np.nan, np.inf], [-0.0, 1.5]], np.float32))
    assert form_of(one, "depth").type == IMAGE
    assert parts(there_and_back(one)) == parts(one)


def test_data_that_is_not_contiguous_comes_back_by_its_values() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for turned in (picture[:, ::2], np.asfortranarray(picture), picture[::-1]):
        np.testing.assert_array_equal(there_and_back(received("/camera", turned)).sample.data, turned)


def test_restored_values_lie_where_a_processor_wants_them() -> None:
    for topic, kinds in COMMON.items():
        for dtype, shape in kinds:
            for frame_id in ("", "a", "ab", "abcde"):
                one = received(topic, np.ones(shape, dtype), frame_id=frame_id)
                assert there_and_back(one).sample.data.flags.aligned


@pytest.mark.parametrize(
    ("topic", "dtype", "shape", "encoding", "step"),
    [
        ("/camera", "|u1", (2, 5, 3), "rgb8", 15), ("/camera", "|u1", (2, 5), "mono8", 5),
        ("/depth", "<u2", (2, 5), "16UC1", 10), ("/depth", "<f4", (2, 5), "32FC1", 20),
        ("/thermal", "<f8", (2, 5), "64FC1", 40),
    ],
)  # fmt: skip
def test_pictures_are_images_of_ros(topic: str, dtype: str, shape: tuple[int, ...], encoding: str, step: int) -> None:
    type_, message = fields_of(received(topic, np.ones(shape, dtype), frame_id="optical"))
    assert type_ == IMAGE
    said = {name: getattr(message, name) for name in ("height", "width", "encoding", "is_bigendian", "step")}
    assert said == {"height": 2, "width": 5, "encoding": encoding, "is_bigendian": 0, "step": step}
    header = message.header  # type: ignore[attr-defined]
    assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (T0 // 10**9, 0, "optical")


@pytest.mark.parametrize(
    ("topic", "codec", "dtype", "shape"),
    [
        ("/camera", "jpeg", "|u1", (48, 64, 3)), ("/camera", "png", "|u1", (5, 7, 3)),
        ("/thermal", "jpeg", "|u1", (48, 64)), ("/depth", "png", "<u2", (6, 9)),
    ],
)  # fmt: skip
def test_pictures_that_came_packed_stay_as_they_came(
    topic: str, codec: Codec, dtype: str, shape: tuple[int, ...]
) -> None:
    shown = values(dtype, shape, np.random.default_rng(1))
    frames = [bytes(frame) for frame in to_frames(sample(topic, data=shown), "s", codec=codec)]
    (unpacked, _), payload = from_frames(frames), frames[2]
    one = replace(received(topic, unpacked.data), compressed=Compressed(codec, payload))  # type: ignore[arg-type]
    type_, message = fields_of(one)
    assert (type_, message.format, bytes(message.data)) == (COMPRESSED, codec, payload)  # type: ignore[attr-defined]
    again = there_and_back(one)
    assert parts(again) == parts(one)
    assert again.compressed is not None
    assert again.compressed.data == payload


def test_a_packed_picture_that_is_no_picture_of_ros_is_kept_as_it_is() -> None:
    four = np.ones((4, 4, 4), np.uint8)
    one = replace(received("/camera", four), compressed=Compressed("png", b"whatever"))
    assert form_of(one, "vision").type == SAMPLE
    assert parts(there_and_back(one)) == parts(one)


def test_an_imu_says_what_it_did_not_measure() -> None:
    _, full = fields_of(received("/imu", np.arange(6.0)))
    _, half = fields_of(received("/imu", np.arange(3.0)))
    assert full.orientation_covariance[0] == half.orientation_covariance[0] == -1  # type: ignore[attr-defined]
    assert full.angular_velocity_covariance[0] == 0  # type: ignore[attr-defined]
    assert half.angular_velocity_covariance[0] == -1  # type: ignore[attr-defined]


def test_sound_says_its_rate_and_channels() -> None:
    _, stereo = fields_of(received("/microphone", np.ones((80, 2), np.int16)))
    said = {name: getattr(stereo, name) for name in ("format", "sample_rate", "number_of_channels")}
    assert said == {"format": "pcm-s16", "sample_rate": 16_000, "number_of_channels": 2}
    _, real = fields_of(received("/microphone", np.ones(80, np.float32)))
    assert real.format == "pcm-f32"  # type: ignore[attr-defined]


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 1e300, 2.0**32])
def test_a_rate_that_does_not_fit_the_message_is_left_out(rate: float) -> None:
    one = received("/microphone", np.ones(8, np.int16))
    form = form_of(one, "audio")
    assert store().deserialize_cdr(b"".join(encode(one, form, rate)), form.type).sample_rate == 0


def test_definitions_bring_all_they_are_made_of() -> None:
    assert b"MSG: geometry_msgs/Vector3" in definition(IMU)
    assert b"MSG: builtin_interfaces/Time" in definition(AUDIO)


def test_a_form_is_one_for_all_samples_of_a_kind() -> None:
    one, other = received("/imu", np.zeros(6)), received("/imu", np.ones(3), seq=5, frame_id="other")
    assert form_of(one, "imu") == form_of(other, "imu") == Form(topic="/imu", type=IMU, session="s", dtype="<f8")
