"""Benches print and write the figures that others rely on, by their fixed names."""

import json
import sys
from pathlib import Path

import pytest
from makers import sample

from pipeline.commands.bench.bus import bus
from pipeline.commands.bench.cartesian import CartesianSynchronizer
from pipeline.commands.bench.overhead import overhead
from pipeline.commands.bench.record import record
from pipeline.commands.bench.replay import replay
from pipeline.commands.bench.sync import CHANNELS, QUEUE, TOPICS, delayed, stream, sync, with_dropouts
from pipeline.messages import NS, Sample


def figures(path: Path) -> dict[str, float]:
    report = json.loads(path.read_text())
    assert set(report) == {"command", "model", "hardware", "date", "figures", "aims"}
    assert set(report["aims"]) <= set(report["figures"])
    found: dict[str, float] = report["figures"]
    return found


def test_sync_measures_ours_and_the_baseline(tmp_path: Path) -> None:
    sync(seconds=2.0, json=tmp_path / "sync.json")
    found = figures(tmp_path / "sync.json")
    assert set(found) >= {"us_per_message_p99", "messages_per_s", "speedup_vs_cartesian", "clock_us_per_message_p99"}
    assert all(value > 0 for value in found.values())
    assert found["speedup_least_order"] <= found["speedup_median_order"] <= found["speedup_most_order"]


def test_the_baseline_finds_sets_whose_stamps_are_near() -> None:
    baseline = CartesianSynchronizer(["/a", "/b"], queue=4, slop=NS // 20)
    assert baseline.push(sample("/a", 0.01)) is None
    assert baseline.push(sample("/a", 0.04)) is None
    assert baseline.push(sample("/a", 0.08)) is None
    assert baseline.push(sample("/b", 0.20)) is None
    found = baseline.push(sample("/b", 0.05))
    assert found is not None
    assert [item.stamp for item in found] == [sample("/b", 0.05).stamp, sample("/a", 0.04).stamp]
    assert baseline.push(sample("/b", 0.02)) is not None
    assert baseline.push(sample("/b", 0.04)) is not None
    assert baseline.push(sample("/b", 0.05)) is None  # each message is used once


def test_the_baseline_tries_on_where_the_nearest_messages_are_too_far_apart() -> None:
    baseline = CartesianSynchronizer(["/a", "/b", "/c"], queue=4, slop=NS // 10)
    for at_s in (0.03, 0.12):
        baseline.push(sample("/a", at_s))
    baseline.push(sample("/b", 0.01))
    found = baseline.push(sample("/c", 0.09))  # 0.12 is nearer to it than 0.03, but too far from 0.01
    assert found is not None
    assert [item.stamp for item in found] == [sample("/c", at_s).stamp for at_s in (0.09, 0.03, 0.01)]


def test_the_baseline_forgets_the_oldest_beyond_its_queue() -> None:
    baseline = CartesianSynchronizer(["/a", "/b"], queue=2, slop=NS // 20)
    for at_s in (0.0, 0.2, 0.1):
        baseline.push(sample("/a", at_s))
    assert baseline.push(sample("/b", 0.0)) is None
    assert baseline.push(sample("/b", 0.1)) is not None


def sets(samples: list[Sample], slop: int) -> list[tuple[Sample, ...]]:
    baseline = CartesianSynchronizer(TOPICS, QUEUE, slop)
    return [one for item in samples if (one := baseline.push(item)) is not None]


def test_the_baseline_does_find_sets_in_the_stream() -> None:
    found = sets(list(stream(5.0)), NS // 20)
    assert 20 < len(found) <= 45  # the slowest topic has 9 Hz
    for one in found:
        stamps = [item.stamp for item in one]
        assert max(stamps) - min(stamps) < NS // 20


def test_the_baseline_finds_a_set_for_each_of_the_slowest_also_when_samples_come_delayed() -> None:
    samples = delayed(stream(5.0))
    assert samples != sorted(samples, key=lambda item: item.stamp)
    assert len(sets(samples, NS // 10)) >= 44


def test_dropouts_are_half_of_one_topic() -> None:
    samples = list(stream(12.0))
    kept = list(with_dropouts(samples, "/microphone"))
    lost = [item for item in samples if item not in kept]
    assert {item.topic for item in lost} == {"/microphone"}
    assert len(lost) == pytest.approx(300, abs=10)
    assert len(CHANNELS) == len({item.topic for item in kept})


def test_record_measures_what_is_written_and_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[record.__module__], "SETTLE_S", 1.0)
    record(seconds=2.0, rounds=1, model="tiny", json=tmp_path / "record.json")
    found = figures(tmp_path / "record.json")
    assert set(found) >= {"live_latency_ratio", "live_latency_ratio_p99", "lock_latency_ratio"}
    assert found["mb_per_s"] > 10
    assert 10 < found["live_latency_ms_p50"] < 5000
    assert found["live_latency_ratio"] > 0


def test_replay_measures_ours_and_the_bare_reader(tmp_path: Path) -> None:
    replay(seconds=2.0, model="tiny", json=tmp_path / "replay.json")
    found = figures(tmp_path / "replay.json")
    assert set(found) == {
        "times_real_time",
        "cut_times_real_time",
        "read_share_of_mcap",
        "any_log_share_of_mcap",
        "load_average",
    }
    assert found["cut_times_real_time"] > found["times_real_time"] > 0


@pytest.mark.slow
@pytest.mark.alone
def test_bus_measures_age_rate_and_the_price_of_curve(tmp_path: Path) -> None:
    bus(seconds=3.0, messages=2000, json=tmp_path / "bus.json")
    found = figures(tmp_path / "bus.json")
    assert set(found) >= {"age_ms_p99", "lost", "messages_per_s", "curve_share_of_clear"}
    assert found["lost"] == 0


@pytest.mark.slow
@pytest.mark.alone
def test_overhead_measures_both_engines(tmp_path: Path) -> None:
    overhead(windows=5, json=tmp_path / "overhead.json")
    assert set(figures(tmp_path / "overhead.json")) == {
        "direct_ms_p50",
        "local_over_direct_ms_p50",
        "serve_over_direct_ms_p50",
        "serve_over_direct_ms_p99",
        "cpu_s_per_window",
    }
