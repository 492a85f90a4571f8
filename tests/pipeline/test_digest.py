"""Equal digests mean equal runs: any field that a window, an embedding or an event has moves its digest."""

from typing import Any

import numpy as np
import pytest
from makers import IMU, RIG, T0, sample, streams
from msgspec.structs import replace

import pipeline.digest
from pipeline.config import Windowing
from pipeline.digest import Digest
from pipeline.messages import NS, Clip, Embedding, Event, Observation, Sample, Window
from pipeline.sync import Synchronizer

DATA = np.arange(6, dtype=np.float64)
SAMPLES = (sample("/imu", 0.1, 1, DATA), sample("/imu", 0.2, 2, DATA + 1))
CLIP = Clip(topic="/imu", modality="imu", start=T0, end=T0 + NS, samples=SAMPLES, coverage=0.9)
WINDOW = Window(start=T0, end=T0 + NS, clips={"/imu": CLIP}, coverage={"/imu": 0.9, "/camera": 0.0})
VECTOR = np.array([0.6, 0.8], np.float32)
EMBEDDING = Embedding(topic="/imu", modality="imu", stamp=T0 + NS, vector=VECTOR)
EVENT = Event(
    id="a", phase="opened", start=T0, end=T0 + 1, label="bump", score=0.5, source="novelty", evidence={"/imu": 1.0}
)


def observed(window: Window = WINDOW, *embeddings: Embedding) -> Observation:
    return Observation(window=window, embeddings={e.topic: e for e in embeddings}, fused=VECTOR, weights={})


def digest_of(*items: Observation | Event) -> dict[str, str]:
    digest = Digest()
    for item in items:
        if isinstance(item, Event):
            digest.event(item)
        else:
            digest.observation(item)
    return digest.hex()


def with_sample(**fields: Any) -> Window:
    return with_clip(samples=(replace(SAMPLES[0], **fields), SAMPLES[1]))


def with_clip(**fields: Any) -> Window:
    return replace(WINDOW, clips={"/imu": replace(CLIP, **fields)})


def bit_flipped(data: Any) -> Any:
    raw = bytearray(data.tobytes())
    raw[-1] ^= 1
    return np.frombuffer(bytes(raw), data.dtype).reshape(data.shape)


CHANGED = {
    "window.start": replace(WINDOW, start=T0 + 1),
    "window.end": replace(WINDOW, end=T0 + NS + 1),
    "window.closed_by": replace(WINDOW, closed_by="deadline"),
    "window.coverage": replace(WINDOW, coverage={"/imu": 0.9, "/camera": 0.1}),
    "window.coverage topic": replace(WINDOW, coverage={"/imu": 0.9}),
    "window without clip": replace(WINDOW, clips={}),
    "clip.topic": with_clip(topic="/imu2"),
    "clip.start": with_clip(start=T0 - 1),
    "clip.end": with_clip(end=T0 + NS - 1),
    "clip.coverage": with_clip(coverage=0.91),
    "clip without sample": with_clip(samples=SAMPLES[:1]),
    "clip order": with_clip(samples=SAMPLES[::-1]),
    "sample.stamp": with_sample(stamp=SAMPLES[0].stamp + 1),
    "sample.seq": with_sample(seq=9),
    "sample.frame_id": with_sample(frame_id="base"),
    "sample.data value": with_sample(data=bit_flipped(DATA)),
    "sample.data dtype": with_sample(data=DATA.view(np.int64)),
    "sample.data byte order": with_sample(data=DATA.view(">f8")),
    "sample.data shape": with_sample(data=DATA.reshape(2, 3)),
    "sample.data dimensions": with_sample(data=DATA.reshape(6, 1)),
}


@pytest.mark.parametrize("name", CHANGED)
def test_any_field_of_a_window_moves_its_digest_and_no_other(name: str) -> None:
    before, after = digest_of(observed()), digest_of(observed(CHANGED[name]))
    assert after["windows"] != before["windows"]
    assert after["events"] == before["events"]


def test_no_two_changes_meet() -> None:
    assert len({digest_of(observed(window))["windows"] for window in CHANGED.values()}) == len(CHANGED)


@pytest.mark.parametrize(
    "changed",
    [
        observed(WINDOW, replace(EMBEDDING, topic="/imu2")),
        observed(WINDOW, replace(EMBEDDING, stamp=T0)),
        observed(WINDOW, replace(EMBEDDING, vector=bit_flipped(VECTOR))),
        observed(WINDOW, replace(EMBEDDING, vector=VECTOR[:1])),
        observed(WINDOW),
        observed(WINDOW, EMBEDDING, replace(EMBEDDING, topic="/imu2")),
    ],
)
def test_any_field_of_an_embedding_moves_its_digest_and_not_the_windows(changed: Observation) -> None:
    before, after = digest_of(observed(WINDOW, EMBEDDING)), digest_of(changed)
    assert after["embeddings"] != before["embeddings"]
    assert after["windows"] == before["windows"]


def test_a_vector_counts_by_its_values_not_by_its_layout() -> None:
    spread = np.stack([VECTOR, VECTOR], 1)[:, 0]
    assert digest_of(observed(WINDOW, replace(EMBEDDING, vector=spread))) == digest_of(observed(WINDOW, EMBEDDING))


CHANGES: list[tuple[str, Any]] = [
    ("id", "b"), ("phase", "closed"), ("start", T0 + 1), ("end", T0), ("label", "bumps"), ("score", 0.25),
    ("source", "tagger"), ("evidence", {"/imu": 2.0}), ("evidence", {}), ("evidence", {"/camera": 1.0}),
    ("severity", "critical"), ("weights", {"/imu": 1.0}), ("history", (0.0,)), ("nearest", 1),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_any_field_of_an_event_moves_its_digest(field: str, value: Any) -> None:
    changed = replace(EVENT, **{field: value})
    assert digest_of(changed)["events"] != digest_of(EVENT)["events"]
    assert digest_of(changed)["windows"] == digest_of(EVENT)["windows"]


def test_every_field_of_an_event_is_taken_in() -> None:
    assert set(Event.__struct_fields__) == {field for field, _ in CHANGES} | {"pictures", "sounds"}


def test_what_is_made_of_samples_again_is_not_taken_in() -> None:
    shown = replace(EVENT, pictures={"/camera": b"jpeg"}, sounds={"/microphone": b"wav"})
    assert digest_of(shown) == digest_of(EVENT)


def test_texts_that_run_into_each_other_are_told_apart() -> None:
    fields: dict[str, Any] = {"id": "ao", "phase": "pened"}  # together they read as those of EVENT do
    assert digest_of(replace(EVENT, **fields))["events"] != digest_of(EVENT)["events"]


def test_the_order_of_mappings_does_not_count() -> None:
    second = replace(CLIP, topic="/imu2")
    one = replace(WINDOW, clips={"/imu": CLIP, "/imu2": second}, coverage={"/imu": 0.9, "/imu2": 0.8})
    other = replace(WINDOW, clips={"/imu2": second, "/imu": CLIP}, coverage={"/imu2": 0.8, "/imu": 0.9})
    twin = replace(EMBEDDING, topic="/imu2")
    assert digest_of(observed(one, EMBEDDING, twin)) == digest_of(observed(other, twin, EMBEDDING))
    evidence = {"a": 1.0, "b": 2.0}
    turned = dict(reversed(evidence.items()))
    assert digest_of(replace(EVENT, evidence=evidence)) == digest_of(replace(EVENT, evidence=turned))


def test_the_order_of_observations_and_events_counts() -> None:
    later = replace(WINDOW, start=T0 + NS, end=T0 + 2 * NS)
    one, other = digest_of(observed(), observed(later)), digest_of(observed(later), observed())
    assert one["windows"] != other["windows"]
    assert one["embeddings"] != other["embeddings"]
    assert digest_of(EVENT, replace(EVENT, id="b"))["events"] != digest_of(replace(EVENT, id="b"), EVENT)["events"]


def test_a_missing_window_counts() -> None:
    later = replace(WINDOW, start=T0 + NS, end=T0 + 2 * NS)
    assert digest_of(observed(), observed(later))["windows"] != digest_of(observed(later))["windows"]


def test_what_is_told_of_losses_and_clocks_does_not_count() -> None:
    told = replace(WINDOW, states={"/imu": "ok"}, clocks={"/imu": ("stepped",)}, ledger={"/imu": {"gap": 3}})
    assert digest_of(observed(told)) == digest_of(observed())


def test_what_is_known_of_earlier_windows_changes_nothing() -> None:
    windows = overlapping(6.0)
    together = digest_of(*(observed(window) for window in windows))
    fresh = Digest()
    for window in windows:
        fresh._known = {}
        fresh.observation(observed(window))
    assert fresh.hex() == together


def test_a_sample_is_hashed_once_and_forgotten_with_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Sample] = []
    sample_digest = pipeline.digest._sample

    def noted(item: Sample) -> bytes:
        hashed.append(item)
        return sample_digest(item)

    monkeypatch.setattr(pipeline.digest, "_sample", noted)
    digest = Digest()
    windows = overlapping(20.0)
    for window in windows:
        digest.observation(observed(window))
    distinct = {item for window in windows for clip in window.clips.values() for item in clip.samples}
    assert len(hashed) == len(distinct)
    assert set(digest._known) == {item for clip in windows[-1].clips.values() for item in clip.samples}


def test_data_that_is_not_contiguous_counts_by_its_values() -> None:
    mirrored = np.asfortranarray(DATA.reshape(2, 3))
    one, other = with_sample(data=mirrored), with_sample(data=np.ascontiguousarray(mirrored))
    assert digest_of(observed(one)) == digest_of(observed(other))


def test_stamps_beyond_64_bits_and_empty_data_are_taken_in() -> None:
    far = with_sample(stamp=2**80, data=np.zeros((0, 3), np.uint8))
    farther = with_sample(stamp=2**80 + 1, data=np.zeros((0, 3), np.uint8))
    assert digest_of(observed(far)) != digest_of(observed(farther))


def test_digests_are_those_of_earlier_releases() -> None:
    """A change here breaks every recording's proof: it wants another name for the digests."""
    assert digest_of(observed(WINDOW, EMBEDDING), EVENT) == {
        "windows": "7fbedeac99661795f6f855cd05103fda47426e8e46c8b68abcf8d1cadd936e8f",
        "embeddings": "7fff907ba11f317940c99f0904e16b0014789dcf04d54dc7f7346fcd50c43656",
        "events": "96b80283aa394ca8958c6d8ed15ca52cf77f939c9ac66228939ebdd8c97aebf5",
    }


def overlapping(seconds: float) -> list[Window]:
    sync = Synchronizer(Windowing(), [*RIG[:3], IMU])
    windows = [window for item in streams([*RIG[:3], IMU], 0, seconds) for window in sync.push(item)]
    return windows + sync.finish()
