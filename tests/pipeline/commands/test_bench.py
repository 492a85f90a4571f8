"""Benches print and write the figures that others rely on, by their fixed names."""

import json
from pathlib import Path

import pytest
from makers import sample

from pipeline.commands.bench.bus import bus
from pipeline.commands.bench.overhead import overhead
from pipeline.commands.bench.sync import CHANNELS, CartesianSynchronizer, stream, sync
from pipeline.messages import NS


def figures(path: Path) -> dict[str, float]:
    report = json.loads(path.read_text())
    assert set(report) == {"command", "model", "hardware", "date", "figures", "aims"}
    assert set(report["aims"]) <= set(report["figures"])
    found: dict[str, float] = report["figures"]
    return found


def test_sync_measures_ours_and_the_baseline(tmp_path: Path) -> None:
    sync(seconds=3.0, json=tmp_path / "sync.json")
    found = figures(tmp_path / "sync.json")
    assert set(found) == {"us_per_message_p99", "messages_per_s", "speedup_vs_cartesian"}
    assert all(value > 0 for value in found.values())


def test_the_baseline_finds_sets_whose_stamps_are_near() -> None:
    baseline = CartesianSynchronizer(["/a", "/b"], queue=4, slop=NS // 20)
    assert baseline.push(sample("/a", 0.00)) is None
    assert baseline.push(sample("/a", 0.04)) is None
    assert baseline.push(sample("/b", 0.20)) is None
    found = baseline.push(sample("/b", 0.05))
    assert found is not None
    assert [item.stamp for item in found] == [sample("/b", 0.05).stamp, sample("/a", 0.04).stamp]
    assert baseline.push(sample("/b", 0.06)) is None  # each message is used once, and 0.00 is too far


def test_the_baseline_does_find_sets_in_the_stream() -> None:
    baseline = CartesianSynchronizer([channel.topic for channel in CHANNELS], 64, NS // 20)
    found = [one for item in stream(5.0) if (one := baseline.push(item)) is not None]
    assert 20 < len(found) <= 45  # the slowest topic has 9 Hz
    for one in found:
        stamps = [item.stamp for item in one]
        assert max(stamps) - min(stamps) < NS // 20


@pytest.mark.slow
def test_bus_measures_age_rate_and_the_price_of_curve(tmp_path: Path) -> None:
    bus(seconds=3.0, messages=2000, json=tmp_path / "bus.json")
    found = figures(tmp_path / "bus.json")
    assert set(found) >= {"age_ms_p99", "lost", "messages_per_s", "curve_share_of_clear"}
    assert found["lost"] == 0


@pytest.mark.slow
def test_overhead_measures_both_engines(tmp_path: Path) -> None:
    overhead(windows=5, json=tmp_path / "overhead.json")
    assert set(figures(tmp_path / "overhead.json")) == {
        "direct_ms_p50",
        "local_over_direct_ms_p50",
        "serve_over_direct_ms_p50",
        "serve_over_direct_ms_p99",
        "cpu_s_per_window",
    }
