"""The command line as a user meets it: in a process of its own, with sentences and exit codes."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.commands.__main__ import COMMANDS
from pipeline.commands.bench import BENCHES
from pipeline.commands.lazy import imported

ROOT = Path(__file__).resolve().parents[3]
GOOD = """
[model]
engine = "local"

[[channels]]
topic = "/imu"
modality = "imu"
rate_hz = 200
"""


def rigbind(*arguments: str | Path, flags: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-m", "pipeline.commands", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rig_file(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text)
    return path


def test_help_lists_every_command_and_imports_none() -> None:
    shown = rigbind("--help", flags=("-X", "importtime"))
    assert [command for command in COMMANDS if f" {command} " not in shown.stdout] == []
    assert "typer" in shown.stderr
    assert "numpy" not in shown.stderr


@pytest.mark.parametrize(
    ("package", "name", "sentence"),
    [("pipeline.commands", *told) for told in COMMANDS.items()]
    + [("pipeline.commands.bench", *told) for told in BENCHES.items()],
)
def test_a_command_is_listed_by_how_its_help_begins(package: str, name: str, sentence: str) -> None:
    assert sentence == " ".join(imported(package, name).help.split("\n\n")[0].split())


def test_benches_are_listed_too() -> None:
    shown = rigbind("bench", "--help").stdout
    assert [name for name in BENCHES if f" {name} " not in shown] == []


def test_check_says_that_a_rig_file_is_good(tmp_path: Path) -> None:
    done = rigbind("check", rig_file(tmp_path, GOOD))
    assert (done.returncode, done.stderr) == (0, "")
    assert "good: 1 channels, 0 with a sensor, 0 operators" in done.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "configs").rglob("*.toml")))
def test_every_rig_file_that_comes_along_is_good(name: str) -> None:
    (path,) = (ROOT / "configs").rglob(name)
    assert rigbind("check", path).returncode == 0


def test_check_lists_every_mistake_with_its_place(tmp_path: Path) -> None:
    text = (
        GOOD
        + """
sensor = { use = "sensors.simulator:Imu", params = { sed = 1 } }

[model.encoders]
imu = { use = "operators.encoders.imu:ImuEncoder", params = { seed = "large" } }

[[operators]]
use = "operators.anomaly:Anomalee"

[[operators]]
use = "operators.nothing:Here"

[[sinks]]
use = "JsonLines"

[security]
keys = "no/such/folder"
"""
    )
    done = rigbind("check", rig_file(tmp_path, text))
    assert done.returncode == 2
    told = [line.partition("rig.toml: ")[2] for line in done.stderr.splitlines()]
    assert told == [
        "model.encoders.imu.params.seed: Expected `int`, got `str`: 'large'",
        "channels[0].sensor.params.sed: sensors.simulator:Imu has no such parameter; did you mean `seed`?",
        "operators[0].use: 'operators.anomaly:Anomalee': module operators.anomaly has no 'Anomalee'; "
        "did you mean 'Anomaly'?",
        "operators[1].use: 'operators.nothing:Here': No module named 'operators.nothing'",
        "sinks[0].use: 'JsonLines' is not of the form 'module:Name'",
        "security.keys: 'no/such/folder' is no folder; make it with `rigbind keys`",
    ]


def test_a_rig_without_channels_is_none(tmp_path: Path) -> None:
    done = rigbind("check", rig_file(tmp_path, "[rig]\n"))
    assert done.returncode == 2
    assert "channels: a rig has at least one" in done.stderr


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ('preset = "huge"', "model.preset: there is no preset 'huge'"),
        ('preset = "imagebind"', "model.preset: preset 'imagebind' needs a weights after a colon"),
        ('preset = { imu = "openclip:RN50/" }', "has no encoder for imu; it has vision, text"),
        ('preset = { imu = "mini", text = "openclip:RN50/" }', "one dimension, these have imu 512, text 1024"),
        ('preset = { vison = "mini" }', "model.preset"),
        ('execution = { dtype = "int8" }', "model.execution.dtype: Invalid enum value 'int8'"),
        ('[bus]\naddress = "tcp://*:5570"', "bus.address: tcp://*:5570 can be reached from other hosts"),
    ],
)
def test_check_knows_what_only_the_parts_know(tmp_path: Path, extra: str, told: str) -> None:
    text = GOOD.replace('engine = "local"', extra)
    done = rigbind("check", rig_file(tmp_path, text))
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize("command", ["replay", "info"])
@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.bag", b""), ("noise.mcap", bytes(range(256)) * 9), ("text.bag", b"#ROSBAG V2.0\n"), ("missing.bag", None)],
)
def test_a_file_that_is_no_log_is_one_sentence(tmp_path: Path, command: str, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = rigbind(command, path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_rate_that_is_no_rate_is_told(tmp_path: Path) -> None:
    done = rigbind("replay", tmp_path / "x.bag", "--rate", "fast")
    assert done.returncode == 2
    assert "--rate 'fast' is neither a number above 0 nor 'max'" in done.stderr


def test_keys_are_made_and_kept(tmp_path: Path) -> None:
    first, second = (rigbind("keys", tmp_path / "keys", "--sensor", "front") for _ in range(2))
    assert first.stdout.count("key") > 4
    assert "already there" in second.stdout


def test_sense_needs_a_sensor(tmp_path: Path) -> None:
    done = rigbind("sense", rig_file(tmp_path, GOOD))
    assert done.returncode == 2
    assert "no channel has a sensor" in done.stderr


def test_sense_names_an_unknown_topic(tmp_path: Path) -> None:
    text = GOOD + 'sensor = { use = "sensors.simulator:Imu" }\n'
    done = rigbind("sense", rig_file(tmp_path, text), "--topic", "/imo")
    assert done.returncode == 2
    assert "no channel with a sensor has the topic /imo" in done.stderr


def test_a_sensor_needs_no_torch_and_no_ray() -> None:
    code = "import sys, pipeline.commands.sense; print({'torch', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
