"""`rigbind bench operators` measures what the demo's operators cost, and the process they live in."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.assembly import load_checked
from pipeline.commands.bench.operators import observations, operators
from pipeline.commands.demo import find_config


def test_each_operator_has_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operators.__globals__, "COUNTS", (10, 40))
    operators(windows=60, memory=30, json=tmp_path / "operators.json")
    report = json.loads((tmp_path / "operators.json").read_text())
    names = [f"{name}ms_{p}" for name in ("", "anomaly_", "alignment_", "tagger_") for p in ("p50", "p99")]
    assert set(report["figures"]) == {*names, "rss_mb_10", "rss_mb_40"}
    assert all(value > 0 for value in report["figures"].values())
    assert report["aims"] == {"ms_p50": ["<=", 5.0], "ms_p99": ["<=", 5.0]}


def test_its_windows_are_whole_and_as_alike_as_a_cameras() -> None:
    channels = load_checked(find_config("demo.toml")).channels
    made = list(observations(channels, 400))
    assert all(set(one.embeddings) == {channel.topic for channel in channels} for one in made)
    assert len(made[20].window.clips["/imu"].samples) == 1000
    seen_ND = np.stack([one.embeddings["/camera/front"].vector for one in made])
    cosines_NN = seen_ND @ seen_ND.T
    assert np.median(np.diag(cosines_NN, 1)) == pytest.approx(0.93, abs=0.02)
    assert np.median(np.diag(cosines_NN, 100)) == pytest.approx(0.26, abs=0.1)
