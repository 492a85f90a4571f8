"""Sounds unlike those that are normal, by raw signals."""

from pathlib import Path

import layouts
import numpy as np
import pytest
from films import sound

from operators.evaluation.anomaly_sounds import unlike_sounds
from operators.sets import drone_motor_prop_audio
from operators.sets.item import Item
from pipeline.messages import Array


def played(path: Path, samples_T: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound(path, samples_T.astype(np.int16)[np.newaxis], layouts.RATE)


def motors(folder: Path) -> list[Item]:
    """Three recordings of noise, two of noise that whines, and one that is too short."""
    time = np.arange(4 * layouts.RATE) / layouts.RATE
    for number in range(5):
        noise = np.random.default_rng(number).normal(size=len(time)) * 1000
        place = "prop" if number < 3 else "no_prop"
        whine = 0 if number < 3 else 3000 * np.sin(2 * np.pi * 2500 * time)
        played(folder / place / f"{number}.wav", noise + whine)
    played(folder / "prop" / "short.wav", time[:100])
    return drone_motor_prop_audio.items(folder)


def test_a_recording_is_scored_by_the_others_that_are_normal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = motors(tmp_path)
    assert unlike_sounds(items, [], "prop").figures == {"watch_auroc": 1.0}
    monkeypatch.setattr(
        "operators.evaluation.anomaly_sounds.usual",
        lambda known, rows: np.array([(known == row).all(1).any() for row in rows], float),
    )
    (table,) = unlike_sounds(items, [], "prop").tables
    assert [row[2] for row in table.rows] == [0.0] * 5  # nobody was learned from to score himself
    (table,) = unlike_sounds(items, items, "prop").tables
    assert sum(float(row[2]) for row in table.rows) == 3


def test_one_normal_recording_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "prop").mkdir()
    items = [item for item in motors(tmp_path) if item.label != "prop" or item.name == "prop/0.wav"]
    assert unlike_sounds(items, [], "prop").figures == {}
