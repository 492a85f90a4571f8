"""Windows hold what was sensed in them, whatever order it came in, and every sample meets one end."""

import itertools
import random

import msgspec
import numpy as np
import pytest
from makers import CAMERA, DEPTH, IMU, MICROPHONE, RIG, T0, THERMAL, sample, stream, streams

from pipeline.config import Channel, Windowing
from pipeline.messages import NS, Sample, Window
from pipeline.sync import HOLE, IDLE, Synchronizer

S = Windowing()


def cut(samples: list[Sample], channels: list[Channel], window: Windowing = S) -> tuple[list[Window], Synchronizer]:
    synchronizer = Synchronizer(window, channels)
    windows = [done for item in samples for done in synchronizer.push(item)]
    return windows + synchronizer.finish(), synchronizer


def content(windows: list[Window]) -> list[object]:
    return [
        (w.start, w.end, dict(w.coverage), [(t, [(s.stamp, s.seq) for s in c.samples]) for t, c in w.clips.items()])
        for w in windows
    ]


def test_a_window_ends_at_every_stride_and_holds_its_context() -> None:
    windows, _ = cut(streams(RIG, 0, 10), RIG)
    assert [window.end - T0 for window in windows] == [k * NS // 2 for k in range(1, 21)]
    assert all(window.end - window.start == 2 * NS for window in windows)
    full = windows[-1]
    assert {topic: len(clip.samples) for topic, clip in full.clips.items()} == {
        "/camera": 30,  # 2 s at 15 Hz
        "/thermal": 1,
        "/depth": 1,
        "/imu": 1000,  # 5 s at 200 Hz
        "/microphone": 100,  # 2 s at 50 Hz
    }
    assert set(full.coverage.values()) == {1.0}
    for clip in full.clips.values():
        assert all(clip.start <= item.stamp < clip.end for item in clip.samples)


def test_a_topic_may_look_back_over_another_time_than_its_modality() -> None:
    short = msgspec.structs.replace(IMU, context_s=1.0)
    windows, _ = cut(list(stream(IMU, 0, 6)), [short])
    assert len(windows[-1].clips["/imu"].samples) == 200


@pytest.mark.parametrize("channel", [THERMAL, DEPTH])
def test_the_frame_nearest_the_centre_is_taken(channel: Channel) -> None:
    windows, _ = cut(list(stream(channel, 0, 6)), [channel])
    for window in windows[4:-4]:
        centre = (window.start + window.end) // 2
        assert abs(window.clips[channel.topic].samples[0].stamp - centre) <= channel.period // 2 + 1


def test_the_interval_is_half_open() -> None:
    windows, _ = cut([sample(at_s=0.499999999), sample(at_s=0.5, seq=1)], [IMU])
    first = windows[0]
    assert first.end == T0 + NS // 2
    assert [item.seq for item in first.clips["/imu"].samples] == [0]


def test_arrival_order_within_the_lateness_changes_nothing() -> None:
    samples = streams(RIG, 0, 8)
    reference = content(cut(samples, RIG)[0])
    lateness = round(S.lateness_s * NS)
    for seed in range(20):
        rng = random.Random(seed)
        shuffled = sorted(samples, key=lambda item: item.stamp + rng.randrange(lateness))
        windows, synchronizer = cut(shuffled, RIG)
        assert content(windows) == reference
        assert not any(synchronizer.ledger.total(channel.topic, "late") for channel in RIG)


def test_beyond_the_lateness_a_sample_is_counted_not_delivered() -> None:
    synchronizer = Synchronizer(S, [IMU])
    for item in stream(IMU, 0, 1.1):
        synchronizer.push(item)
    assert synchronizer.push(sample(at_s=0.9, seq=999)) == []
    assert synchronizer.ledger.row("/imu")["late"] == 1
    windows = [done for item in stream(IMU, 1.1, 3) for done in synchronizer.push(item)]
    assert all(item.seq != 999 for window in windows for item in window.clips["/imu"].samples)


def test_the_same_sample_twice_is_counted_once() -> None:
    samples = list(stream(IMU, 0, 2))
    windows, synchronizer = cut(sorted(samples * 2, key=lambda item: item.stamp), [IMU])
    assert content(windows) == content(cut(samples, [IMU])[0])
    row = synchronizer.ledger.row("/imu")
    assert row["duplicate"] == len(samples)
    assert row["used"] == len(samples)


def test_samples_of_one_stamp_are_all_kept_in_order_of_their_number() -> None:
    windows, _ = cut([sample(at_s=0.1, seq=2), sample(at_s=0.1, seq=1), sample(at_s=0.1, seq=3)], [IMU])
    assert [item.seq for item in windows[0].clips["/imu"].samples] == [1, 2, 3]


def test_every_sample_is_used_once_when_nothing_is_wrong() -> None:
    samples = streams(RIG, 0, 10)
    _, synchronizer = cut(samples, RIG)
    for channel in RIG:
        row = synchronizer.ledger.row(channel.topic)
        assert row["used"] == sum(item.topic == channel.topic for item in samples)
        assert row["late"] == row["duplicate"] == row["overflow"] == 0


def test_a_stream_is_not_waited_for_before_its_first_sample() -> None:
    synchronizer = Synchronizer(S, RIG)
    windows = [done for item in stream(IMU, 0, 3) for done in synchronizer.push(item)]
    assert [window.end - T0 for window in windows] == [NS // 2 * k for k in range(1, 6)]
    assert set(windows[0].absent) == {"/camera", "/thermal", "/depth", "/microphone"}


def test_a_stream_that_stops_is_waited_for_until_it_is_dead() -> None:
    synchronizer = Synchronizer(S, [IMU, CAMERA])
    samples = streams([IMU, CAMERA], 0, 3) + list(stream(IMU, 3, 10))
    closed_at = {w.end - T0: item.stamp - T0 for item in samples for w in synchronizer.push(item)}
    assert closed_at[2 * NS + NS // 2] < 2.7 * NS
    assert closed_at[3 * NS + NS // 2] == pytest.approx(5 * NS, abs=0.1 * NS)  # newest picture + dead_s
    assert closed_at[6 * NS] == pytest.approx(6.05 * NS, abs=0.01 * NS)  # nobody waits any more


def test_a_stream_that_returns_is_in_the_windows_again() -> None:
    samples = sorted([*stream(IMU, 0, 12), *stream(CAMERA, 0, 3), *stream(CAMERA, 8, 12)], key=lambda item: item.stamp)
    windows, synchronizer = cut(samples, [IMU, CAMERA])
    coverage = {(window.end - T0) / NS: window.coverage["/camera"] for window in windows}
    assert coverage[3.0] == 1.0
    assert coverage[4.0] == pytest.approx(0.5, abs=0.05)
    assert coverage[5.5] == coverage[8.0] == 0.0
    assert coverage[10.5] == 1.0
    assert synchronizer.ledger.row("/camera")["late"] == 0


@pytest.mark.parametrize(("missing", "hole"), [(1, False), (2, True), (10, True)])
def test_two_lost_messages_in_a_row_make_a_window_partial(missing: int, hole: bool) -> None:
    samples = [item for item in stream(CAMERA, 0, 6) if not 40 <= item.seq < 40 + missing]
    windows, _ = cut(samples, [CAMERA])
    partial = [window for window in windows[4:-1] if window.partial]
    assert bool(partial) == hole
    if hole:
        assert min(window.coverage["/camera"] for window in partial) == pytest.approx(1 - missing / 30, abs=0.01)


def irregular(channels: list[Channel], seed: int) -> list[Sample]:
    """Streams with holes, pauses and bursts, up to half a second out of order; a fifth is lost."""
    rng = random.Random(seed)
    spans = [(channel, rng.uniform(0, 2), rng.uniform(4, 12)) for channel in channels]
    samples = [item for span in spans for item in stream(*span) if rng.random() < 0.8]
    pauses = {channel.topic: rng.uniform(0, 8) for channel in channels}
    kept = [item for item in samples if not 0 <= (item.stamp - T0) / NS - pauses[item.topic] < 2.5]
    return sorted(kept, key=lambda item: item.stamp + rng.randrange(NS // 2))


@pytest.mark.parametrize("seed", range(20))
def test_coverage_is_what_the_holes_leave_of_a_window_whatever_order_its_samples_came_in(seed: int) -> None:
    windows, _ = cut(irregular([IMU, MICROPHONE], seed), [IMU, MICROPHONE], Windowing(lateness_s=0.2))
    assert windows
    for clip in (clip for window in windows for clip in window.clips.values()):
        period = {"/imu": IMU, "/microphone": MICROPHONE}[clip.topic].period
        edges = [clip.start - period, *(item.stamp for item in clip.samples), clip.end]
        holes = [b - a - period for a, b in itertools.pairwise(edges) if b - a > HOLE * period]
        assert clip.coverage == max(1e-9, 1 - sum(holes) / (clip.end - clip.start))


def test_a_hole_before_a_sample_that_had_to_go_is_none_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sync.MAX_BYTES", 100)
    sizes = [(0.0, 1), (0.2, 11), (0.202, 4), (0.1, 1)]  # the third pushes out two, which makes room for the fourth
    samples = [sample(at_s=at_s, seq=seq, data=np.zeros(size)) for seq, (at_s, size) in enumerate(sizes)]
    (window,), synchronizer = cut(samples, [IMU])
    assert synchronizer.ledger.row("/imu")["overflow"] == 2
    assert [item.seq for item in window.clips["/imu"].samples] == [3, 2]
    assert window.coverage["/imu"] == pytest.approx(2 * IMU.period / (5 * NS))


def test_an_older_sample_closes_nothing() -> None:
    synchronizer = Synchronizer(S, [IMU])
    assert synchronizer.push(sample(at_s=0.6)) == []
    assert synchronizer.push(sample(at_s=0.3, seq=1)) == []
    assert synchronizer.push(sample(at_s=0.56, seq=2)) == []
    assert [window.end for window in synchronizer.push(sample(at_s=0.61, seq=3))] == [T0 + NS // 2]


@pytest.mark.parametrize("seed", range(20))
def test_windows_close_as_soon_as_the_slowest_stream_that_lives_has_passed_them(seed: int) -> None:
    window = Windowing(dead_s=1.0)
    synchronizer = Synchronizer(window, RIG)
    newest: dict[str, int] = {}
    watermark = 0
    for item in irregular(RIG, seed):
        closed = synchronizer.position[0]
        ends = [done.end for done in synchronizer.push(item)]
        if item.stamp >= closed:
            newest[item.topic] = max(item.stamp, newest.get(item.topic, 0))
        alive = [stamp for stamp in newest.values() if stamp >= max(newest.values()) - NS]
        watermark = max(watermark, min(alive) - round(window.lateness_s * NS))
        assert not ends or (ends[-1] <= watermark and item.stamp == newest[item.topic])
        assert item.stamp < max(newest.values()) or synchronizer.position[1] > watermark


def test_the_deadline_closes_with_what_is_there() -> None:
    synchronizer = Synchronizer(S, [IMU, CAMERA])
    for item in streams([IMU, CAMERA], 0, 0.9) + list(stream(IMU, 0.9, 1.01)):
        synchronizer.push(item)
    assert synchronizer.tick(T0 + NS + round(0.199 * NS)) == []
    (window,) = synchronizer.tick(T0 + NS + round(0.2 * NS))
    assert window.closed_by == "deadline"
    assert window.end == T0 + NS
    assert len(window.clips["/camera"].samples) == 14
    assert synchronizer.tick(T0 + NS + round(0.2 * NS)) == []


def test_windows_come_in_order_and_once_whatever_closes_them() -> None:
    synchronizer = Synchronizer(S, RIG)
    rng = random.Random(3)
    ends = []
    for item in sorted(streams(RIG, 0, 20), key=lambda item: item.stamp + rng.randrange(NS // 4)):
        ends += [window.end for window in synchronizer.push(item)]
        if rng.random() < 0.05:
            ends += [window.end for window in synchronizer.tick(item.stamp)]
    ends += [window.end for window in synchronizer.finish()]
    assert ends == [T0 + NS // 2 * k for k in range(1, len(ends) + 1)]


def test_a_silent_rig_gives_absent_windows_for_a_while_and_then_pauses() -> None:
    samples = [*stream(IMU, 0, 2), *stream(IMU, 100_000, 100_002)]
    windows, synchronizer = cut(samples, [IMU])
    absent = [window for window in windows if window.absent]
    assert len(absent) == IDLE // (NS // 2)
    assert windows[-1].end == T0 + 100_002 * NS
    assert synchronizer.ledger.row("/imu")["used"] == len(samples)


def test_a_live_rig_that_fell_silent_does_not_spin() -> None:
    synchronizer = Synchronizer(S, [IMU])
    for item in stream(IMU, 0, 1):
        synchronizer.push(item)
    year = 365 * 86_400 * NS
    windows = synchronizer.tick(T0 + year)
    assert len(windows) < 40
    assert [w.end for w in synchronizer.push(sample(at_s=year / NS + 1, seq=1)) + synchronizer.finish()] == [
        T0 + year + NS + NS // 2
    ]


def test_memory_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sync.MAX_BYTES", 10 * 57_600)
    synchronizer = Synchronizer(S, [CAMERA, IMU])
    synchronizer.push(sample("/imu", 0.0))
    for item in stream(CAMERA, 0, 1.5):
        synchronizer.push(item)
    assert synchronizer.ledger.row("/camera")["overflow"] == 23 - 10


def test_no_sample_gives_no_window() -> None:
    synchronizer = Synchronizer(S, [MICROPHONE])
    assert synchronizer.tick(T0) == []
    assert synchronizer.finish() == []
