"""Sounds, films, motion and radiometric pictures as people record them."""

from pathlib import Path

import numpy as np
import pytest
from makers import SHARED

from operators.encoders.audio import AudioEncoder
from operators.encoders.files import clips_of
from operators.encoders.flir import temperatures
from operators.encoders.imu import ImuEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.vision import VisionEncoder
from pipeline.logs import Log
from pipeline.messages import NS, Array, Clip, Sample

DATA = SHARED / "data"


def recorded(name: str) -> Path:
    """Return a file or a folder of recordings, or skip."""
    if not (DATA / name).exists():
        pytest.skip(f"needs ../shared/data/{name}")
    return DATA / name


def readings(name: str) -> list[Sample]:
    """Return the motion of a log."""
    with Log(recorded(f"logs_native/{name}")) as log:
        channels = [channel for channel in log.channels() if channel.modality == "imu"]
        return [received.sample for received in log.samples(channels)]


def clip_from(samples: list[Sample], start: int) -> Clip:
    """Return five seconds of motion."""
    heard = tuple(sample for sample in samples if 0 <= sample.stamp - start < 5 * NS)
    return Clip(topic=samples[0].topic, modality="imu", start=start, end=start + 5 * NS, samples=heard, coverage=1.0)


def clips(name: str) -> list[Clip]:
    """Return all of a log's motion that fills five seconds."""
    samples = readings(name)
    return [clip_from(samples, start) for start in range(samples[0].stamp, samples[-1].stamp - 5 * NS, 5 * NS)]


def curves(clips: list[Clip]) -> Array:
    """Return (N, 6, 2000)."""
    return np.stack([ImuEncoder().prepare(clip) for clip in clips]).astype(np.float64)


def weight(curves_NCT: Array) -> Array:
    """Return (N,) mean lengths of the acceleration."""
    lengths: Array = np.linalg.norm(curves_NCT[:, :3], axis=1).mean(1)
    return lengths


def mels(path: Path) -> Array:
    """Return (3, 128, 204)."""
    return np.concatenate([AudioEncoder().prepare(clip) for clip in clips_of(path)])


def test_every_sound_of_esc10_fills_its_spectrogram() -> None:
    paths = sorted((recorded("audio_esc10") / "clips").glob("*.ogg"))
    for path in paths[::8]:
        seen = mels(path)
        assert seen.shape == (3, 128, 204), path.name
        assert np.isfinite(seen).all()
        assert (seen[..., :198] != 0).all()
        assert not seen[..., 198:].any()


def test_rain_is_steadier_than_a_dog() -> None:
    lines = (recorded("audio_esc10") / "labels.csv").read_text().split()[1:]
    unrest = {
        label: [
            mels(DATA / "audio_esc10/clips" / line.split(",")[0])[..., :198].std(2).mean()
            for line in lines[:80]
            if line.endswith(label)
        ]
        for label in ("rain", "dog_bark")
    }
    assert max(unrest["rain"]) < np.median(unrest["dog_bark"])


def test_an_aircraft_on_film_moves_between_two_frames() -> None:
    for path in sorted((recorded("drone_ir_visible_audio") / "video_v").glob("*.mp4"))[:4]:
        seen = np.stack([VisionEncoder().prepare(clip) for clip in clips_of(path)]).astype(float)
        assert seen.shape == (5, 3, 2, 224, 224)
        assert (np.abs(seen[:, :, 0] - seen[:, :, 1]).mean((1, 2, 3)) > 0.1).all(), path.name


def test_thermal_films_are_grey() -> None:
    for path in sorted((recorded("drone_ir_visible_audio") / "video_ir").glob("*.mp4"))[:4]:
        seen = np.stack([ThermalEncoder().prepare(clip) for clip in clips_of(path, "thermal")]).astype(float)
        assert seen.shape == (5, 1, 224, 224)
        assert seen.std() > 0.01, path.name


def test_a_drone_is_heard_in_stereo_flac() -> None:
    for path in sorted((recorded("drone_ir_visible_audio") / "audio").glob("*.flac"))[:4]:
        assert (mels(path)[..., :198] != 0).all(), path.name


@pytest.mark.parametrize("name", ["husky_imu_gps_odom.bag", "ardrone_imu.bag", "sparkfun_razor.bag"])
def test_robots_weigh_what_they_weigh(name: str) -> None:
    seen = curves(clips(name))
    assert seen.shape[1:] == (6, 2000)
    assert weight(seen) == pytest.approx(9.81, rel=0.11)


def test_curves_of_a_husky_pass_through_its_readings() -> None:
    for clip in clips("husky_imu_gps_odom.bag")[:20]:
        (curve,) = curves([clip])
        places = np.array([(sample.stamp - clip.start) / (5 * NS) * 2000 - 0.5 for sample in clip.samples])
        inner = (places > 0) & (places < 1999)
        due = np.stack([sample.data for sample in clip.samples])[inner]
        found = np.stack([np.interp(places[inner], np.arange(2000), row) for row in curve], axis=1)
        np.testing.assert_allclose(found, due, atol=0.3 * due.std(0).max())


def test_the_second_that_an_ardrone_lost_is_held() -> None:
    samples = readings("ardrone_imu.bag")
    gap = int(np.diff([sample.stamp for sample in samples]).argmax())
    start = samples[gap].stamp - 2 * NS
    first, last = (round((sample.stamp - start) * 400 / NS) for sample in samples[gap : gap + 2])
    held = curves([clip_from(samples, start)])[0, :, first + 1 : last - 1]
    assert held.shape[1] > 300
    np.testing.assert_allclose(held, np.tile(samples[gap].data[:, np.newaxis], held.shape[1]), rtol=1e-5)


def test_asphalt_shakes_a_husky_more_than_a_floor() -> None:
    asphalt, floor = (
        curves(clips_of(recorded("imu_terrain_borealtc") / f"{name}.csv.gz"))
        for name in ("ASPHALT_imu_00", "FLOORING_imu_07")
    )
    for seen in (asphalt, floor):
        assert weight(seen) == pytest.approx(9.81, rel=0.1)
    assert asphalt[:, 3:5].std(2).mean() > 2 * floor[:, 3:5].std(2).mean()


def test_flights_of_alfa_have_readings_among_other_lines() -> None:
    for path in sorted(recorded("uav_alfa_fault").glob("*/*.csv.gz")):
        seen = curves(clips_of(path))
        assert len(seen) > 5, path.name
        assert np.median(weight(seen)) == pytest.approx(9.81, rel=0.4), path.name
        assert seen[:, 3:].std() > 0.01


def test_a_kinect_has_no_gyroscope() -> None:
    seen = curves(clips_of(recorded("rgbd_imu_tum_fr1_rpy/accelerometer.txt"), "imu"))
    assert weight(seen) == pytest.approx(9.81, rel=0.01)
    assert not seen[:, 3:].any()


def test_temperatures_are_those_that_the_cameras_wrote_into_their_pictures() -> None:
    folder = recorded("thermal_radiometric")
    e40, ax8 = (temperatures((folder / name).read_bytes()) for name in ("FLIR_E40.jpg", "flir_ax8.jpg"))
    assert e40 is not None
    assert ax8 is not None
    assert e40[59:62, 79:82].mean() == pytest.approx(20.9, abs=0.1)  # the spot, in the middle
    assert ax8.min() == pytest.approx(24.3, abs=0.05 + 1e-2)
    assert ax8.max() == pytest.approx(25.5, abs=0.05 + 1e-2)


@pytest.mark.parametrize(
    ("name", "shape", "low", "high"),
    [
        ("flir_example.jpg", (320, 240), (24, 28), (55, 70)),  # a cup of hot tea in a room
        ("DJI_XT2.jpg", (512, 640), (15, 25), (60, 95)),  # machines
        ("flir_zenmuse_xtr.jpg", (512, 640), (10, 20), (40, 70)),  # a crash barrier in the sun
    ],
)
def test_other_radiometric_pictures_are_plausible(
    name: str, shape: tuple[int, int], low: tuple[float, float], high: tuple[float, float]
) -> None:
    (clip,) = clips_of(recorded("thermal_radiometric") / name, "thermal")
    celsius = clip.samples[0].data
    assert celsius.shape == shape
    assert low[0] < celsius.min() < low[1]
    assert high[0] < celsius.max() < high[1]
    assert ThermalEncoder().prepare(clip).astype(float).std() > 0
