"""Labels that come, change and go while a rig runs: the run's recording repeats them, bit for bit."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.commands.assembly import load_checked
from pipeline.commands.label import label
from pipeline.control import ListLabels, Request, ask
from pipeline.errors import ControlError
from pipeline.logs.recorded import Recorded
from pipeline.messages import DropLabel, SetLabel

ROOT = Path(__file__).resolve().parents[3]

RIG = """
[bus]
address = "ipc://{folder}/address"
events = "ipc://{folder}/events"
control = "ipc://{folder}/control"

[model]
engine = "local"

[[channels]]
topic = "/imu"
modality = "imu"
rate_hz = 200
sensor = {{ use = "sensors.simulator:Imu" }}

[[channels]]
topic = "/microphone"
modality = "audio"
rate_hz = 50
calibration = {{ sample_rate_hz = 16000 }}
sensor = {{ use = "sensors.simulator:Microphone" }}

[[operators]]
use = "operators.tagging:Tagger"
params = {{ labels = {{ fire = ["a fire"], alarm = ["an alarm"] }}, least = 1 }}

[[sinks]]
use = "pipeline.sinks:JsonLines"
params = {{ path = "{folder}/events.jsonl" }}
"""


def rigbind(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline.commands", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(rig: Path, *arguments: str) -> str:
    result = CliRunner().invoke(label, [*arguments, "--rig", str(rig)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def wait_for_line(rig: Path) -> None:
    """Return once the line of ``rig`` answers."""
    config, end = load_checked(rig), time.monotonic() + 60
    while True:
        try:
            ask(config.bus.control, config.security, ListLabels(), timeout_s=1)
        except ControlError:
            assert time.monotonic() < end
        else:
            return


@pytest.mark.slow
@pytest.mark.alone
def test_a_run_whose_labels_changed_is_verified(tmp_path: Path) -> None:
    rig, log = tmp_path / "rig.toml", tmp_path / "run.mcap"
    rig.write_text(RIG.format(folder=tmp_path))
    live = rigbind("run", rig, "--seconds", "10", "--record", log, "--state", tmp_path / "state")
    wait_for_line(rig)
    assert "'wheels' is looked for" in said(rig, "add", "wheels", "a motor", "--threshold", "0.999")
    assert "'fire' is looked for no more" in said(rig, "drop", "fire")
    time.sleep(1.5)  # some windows of it
    assert "1e-06" in said(rig, "add", "wheels", "a motor", "--threshold", "1e-06", "--severity", "warning")
    out, errors = live.communicate(timeout=60)
    assert (live.returncode, errors) == (0, ""), errors
    commands = [step.question for step in Recorded(log).steps() if isinstance(step, Request)]
    assert [type(one) for one in commands] == [SetLabel, DropLabel, SetLabel]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {(event["label"], event["severity"]) for event in events} >= {("wheels", "warning")}
    again, errors = rigbind("replay", log, "--verify").communicate(timeout=60)
    assert "verified:" in again, errors
    digest = next(line for line in out.splitlines() if line.startswith("events"))
    assert digest in again
