"""What a page has of a line is bounded, and drawn from the feed alone."""

import numpy as np
import pytest
from makers import CAMERA, IMU, MICROPHONE

from pipeline.feed import Heard, Picture, Seen, Trace
from pipeline.health import Health
from pipeline.messages import NS, Event
from pipeline.monitor.scene import HISTORY, TRACE_S, VECTORS, Scene
from pipeline.monitor.spectrogram import COLUMNS, FLOOR_DB, Spectrogram
from pipeline.monitor.views.meaning import plane


def seen(end_s: float, traces: dict[str, Trace] | None = None) -> Seen:
    end = round(end_s * NS)
    return Seen(
        start=end - 2 * NS,
        end=end,
        closed_by="watermark",
        coverage={"/imu": 1.0},
        states={"/imu": "ok"},
        clocks={},
        ledger={"/imu": {"received": 5, "used": 4, "late": 1}},
        weights={"/imu": 1.0},
        scores={"anomaly/imu": 2.0},
        vectors={"/imu": np.ones(4, "<f4").tobytes()},
        fused=np.ones(4, "<f4").tobytes(),
        traces=traces or {},
        health=Health(windows=3),
    )


def trace(start_s: float, values: object, columns: int) -> Trace:
    rows = np.asarray(values, "<f4").reshape(-1, columns)
    return Trace(start=round(start_s * NS), end=round((start_s + 0.5) * NS), columns=columns, values=rows.tobytes())


def test_pictures_are_numbered_and_the_newest_stays() -> None:
    scene = Scene([CAMERA])
    for number in range(3):
        scene.take(Picture(topic="/camera", stamp=0, received=NS, jpeg=bytes([number])))
    assert (scene.frames["/camera"].number, scene.frames["/camera"].jpeg, scene.frames["/camera"].age_s) == (
        3,
        b"\2",
        1,
    )


def test_an_observation_comes_to_the_board_the_history_and_the_map() -> None:
    scene = Scene([IMU])
    scene.take(seen(10, {"/imu": trace(9.5, np.arange(12), 6)}))
    scene.take(Heard(topic="/imu", stamp=9 * NS, received=9 * NS))
    scene.take(Event(id="a", phase="opened", start=1, end=2, label="<b>", score=1.0, source="x"))
    snapshot = scene.board.snapshot()
    assert snapshot.streams["/imu"].state == "ok"
    assert snapshot.health.windows == 3
    assert scene.board.events()[0].label == "<b>"
    assert scene.history[-1].scores == {"anomaly/imu": 2.0}
    assert set(scene.vectors[-1][1]) == {"/imu", "fused"}
    assert [row for _, row in scene.trace("/imu")] == [(0, 1, 2, 3, 4, 5), (6, 7, 8, 9, 10, 11)]


def test_nothing_grows_for_ever() -> None:
    scene = Scene([IMU])
    for number in range(HISTORY + 10):
        scene.take(seen(number / 2))
    for number in range(100):
        later = (HISTORY + 10 + number) / 2
        scene.take(seen(later, {"/imu": trace(later, np.zeros(600), 6)}))
    assert (len(scene.history), len(scene.vectors)) == (HISTORY, VECTORS)
    times = [time for time, _ in scene.trace("/imu")]
    assert times[-1] - times[0] <= TRACE_S


def test_a_sound_is_seen_where_its_frequency_is() -> None:
    spectrogram = Spectrogram(16_000)
    tone = np.sin(2 * np.pi * 4000 * np.arange(16_000) / 16_000)
    for chunk in np.split(tone, 50):
        spectrogram.hear(chunk)
    level = spectrogram._level_FT
    assert level.shape[1] == COLUMNS
    assert np.argmax(level[:, -1]) == 127  # row 0 is of the first frequency above 0: 4000 Hz is number 128
    assert level[127, -1] > -10
    assert level[20, -1] < -60
    jpeg, scale = spectrogram.picture()
    assert jpeg[:2] == b"\xff\xd8"
    assert (scale.low, scale.unit) == (FLOOR_DB, "dB")
    assert spectrogram.loudness_db == pytest.approx(-3.01, abs=0.01)
    scene = Scene([MICROPHONE])
    scene.take(seen(1, {"/microphone": trace(0.5, tone[:8000], 1)}))
    assert scene.frames["/microphone"].number == 1


def test_a_map_that_grows_does_not_turn() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(100, 16)) * np.r_[5, 4, np.ones(14)]
    before = plane(vectors, None)
    after = plane(np.vstack([vectors, rng.normal(size=(20, 16))]), -before[::-1])
    assert np.trace(after @ (-before[::-1]).T) > 1.8
