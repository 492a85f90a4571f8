"""A modality of a rig's own: from the sensor over wire and line into a recording, and out of it again."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forces import Whisker
from makers import IMU, T0, sample, streams

from pipeline.commands.assembly import assemble, load_checked
from pipeline.commands.replay import replay
from pipeline.config import Channel, Config, load
from pipeline.engine import blank_window
from pipeline.errors import ConfigError
from pipeline.gate import refusal
from pipeline.ledger import Ledger
from pipeline.logs import Log, Recorded
from pipeline.messages import NS, Array, Calibration, Observation, Received, Sample
from pipeline.run import paced, run
from pipeline.sync import Synchronizer
from pipeline.wire import from_frames, to_frames

FORCE = Channel("/whisker", "force", 50.0, calibration=Calibration(shape=(3,)))

RIG = """
[model]
engine = "local"
[model.encoders]
force = { use = "fakes:Counting", params = { modality = "force", dim = 512 } }
imu = { use = "fakes:Counting", params = { modality = "imu", dim = 512 } }
[[channels]]
topic = "/whisker"
modality = "force"
rate_hz = 50
calibration = { shape = [3] }
sensor = { use = "forces:Whisker" }
[[channels]]
topic = "/imu"
modality = "imu"
rate_hz = 200
"""


def rig(folder: Path, text: str = RIG) -> Path:
    path = folder / "rig.toml"
    path.write_text(text)
    return path


def sent() -> list[Received]:
    """Five seconds of a whisker and an IMU, over the wire."""
    force = Whisker(duration_s=5.0, start_ns=T0, realtime=False)
    arrivals = []
    for one in sorted([*force, *streams([IMU], 0, 5)], key=lambda one: one.stamp):
        frames = to_frames(one, "s", sent_ns=one.stamp)
        over, header = from_frames([bytes(frame) for frame in frames])
        arrivals.append(Received(sample=over, received=one.stamp, sent=header.sent_ns, session=header.session))
    return arrivals


def lived(config: Config, log: Path) -> list[Observation]:
    line = assemble(config, record=log)

    async def session() -> list[Observation]:
        await line.engine.start(config.channels)
        observed = [one async for one in run(paced(sent(), line, None), line)]
        await line.close()
        return observed

    return asyncio.run(session())


def test_it_is_embedded_fused_recorded_and_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    observed = lived(load_checked(rig(tmp_path)), tmp_path / "run.mcap")
    last = observed[-1]
    assert {topic: one.modality for topic, one in last.embeddings.items()} == {"/whisker": "force", "/imu": "imu"}
    assert last.weights["/whisker"] > 0
    assert len(last.window.clips["/whisker"].samples) == 100  # two seconds, as long as a window
    replay([tmp_path / "run.mcap"], verify=True)
    assert f"verified: {len(observed)} windows" in capsys.readouterr().out


def test_a_recording_keeps_it_exactly_and_any_rig_file_reads_it(tmp_path: Path) -> None:
    lived(load_checked(rig(tmp_path)), tmp_path / "run.mcap")
    was = [one.sample for one in sent() if one.sample.topic == "/whisker"]
    exact = [one.sample for one in Recorded(tmp_path / "run.mcap").samples() if one.sample.topic == "/whisker"]
    with Log(tmp_path / "run.mcap") as log:
        assert [channel.topic for channel in log.channels()] == ["/imu"]  # nobody but a rig file knows what it is
        read = [one.sample for one in log.samples([FORCE])]
    for again in (exact, read):
        assert [(one.stamp, one.data.tobytes()) for one in again] == [(one.stamp, one.data.tobytes()) for one in was]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('modality = "force"\nrate', 'modality = "forec"\nrate', "channels[0].modality: 'forec': known are vision"),
        ("[model.encoders]\nforce", "[model.encoders]\nforec", "model.encoders.forec: no channel has this modality"),
        ("shape = [3]", "shape = []", "channels[0].calibration.shape: a modality of your own needs that of one sample"),
        ("shape = [3]", "shape = [0]", "channels[0].calibration.shape: a modality of your own needs"),
        ('modality = "imu"\nrate', 'modality = "text"\nrate', "channels[1].modality: 'text': "),
        ("[model]", "[window.context_s]\nforse = 2.0\n[model]", "window.context_s.forse: no channel has this modality"),
        ("fakes:Counting", "fakes:Coutning", "did you mean 'Counting'"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_checked(rig(tmp_path, RIG.replace(old, new, 1)))
    assert told in str(refused.value)


def test_a_slip_is_taken_for_what_it_may_mean(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'imo': did you mean `imu`\?; one of your own needs its encoder"):
        load(rig(tmp_path, RIG.replace('"imu"\nrate', '"imo"\nrate')))


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (np.zeros(3), None),
        (np.zeros(3, np.int16), None),
        (np.zeros(6), "shape"),
        (np.zeros((3, 1)), "shape"),
        (np.zeros(3, np.complex64), "dtype"),
        (np.array([0, np.nan, 0]), "not finite"),
    ],
)
def test_only_numbers_of_its_shape_are_let_in(data: Array, cause: str | None) -> None:
    assert refusal(sample("/whisker", data=data), "force", (3,)) == cause


def test_a_blank_clip_of_it_has_its_shape() -> None:
    clip = blank_window([FORCE]).clips["/whisker"]
    assert len(clip.samples) == 100
    assert clip.samples[0].data.shape == (3,)


def test_its_context_is_the_windows_unless_told(tmp_path: Path) -> None:
    for told, seconds in (("", 2), ("[window.context_s]\nforce = 3.0\n", 3)):
        config = load(rig(tmp_path, told + RIG))
        cut = Synchronizer(config.window, [FORCE], Ledger())
        pushes = [cut.push(Sample(topic="/whisker", stamp=T0 + n * NS // 50, frame_id="", seq=n, data=np.zeros(3)))
                  for n in range(400)]  # fmt: skip
        last = [window for windows in pushes for window in windows][-1].clips["/whisker"]
        assert last.end - last.start == seconds * NS


def test_the_sensor_feels_a_vehicle_and_little_else() -> None:
    felt = {label: np.stack([one.data for one in Whisker(scenario=label, duration_s=20, start_ns=T0, realtime=False)])
            for label in ("vehicle passing", "fire")}  # fmt: skip
    size: dict[str, Any] = {label: np.linalg.norm(data[750:], axis=1).max() for label, data in felt.items()}
    assert size["vehicle passing"] > 3 * size["fire"]
