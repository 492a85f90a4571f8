"""``--foxglove`` and ``--rerun``: a replay's file holds every sample; what cannot be is a sentence."""

import socket
from collections import Counter
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from rigs import CHANNELS, recording, samples
from typer.testing import CliRunner

pytest.importorskip("rerun")
pytest.importorskip("foxglove")
from rerun.chunk import RrdReader

from pipeline.build import build
from pipeline.commands import outputs
from pipeline.commands.__main__ import app
from pipeline.config import Config, Part
from pipeline.errors import ConfigError, InputError

CONFIG = Config(channels=CHANNELS)


def test_a_replay_at_full_speed_leaves_nothing_out(tmp_path: Path) -> None:
    log, file = recording(tmp_path / "run.mcap", 5.0), tmp_path / "run.rrd"
    result = CliRunner().invoke(app, ["replay", str(log), "--rerun", str(file)])
    assert result.exit_code == 0, result.output
    rows: Counter[str] = Counter()
    for chunk in RrdReader(file).stream().to_chunks():
        rows["/" + chunk.entity_path.split("/")[1]] += chunk.num_rows * ("/rotation" not in chunk.entity_path)
    due = Counter(one.sample.topic for one in samples(5.0))
    assert {topic: rows[topic] for topic in due} == due
    assert rows["/rigbind"]


def test_what_cannot_be_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"--rerun: .*no/run\.rrd"):
        outputs.outputs(CONFIG, rerun=str(tmp_path / "no" / "run.rrd"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--foxglove: .*{port}"):
            outputs.outputs(CONFIG, foxglove=port)
    monkeypatch.setattr(outputs, "find_spec", lambda name: None if name == "rerun" else find_spec(name))
    with pytest.raises(InputError, match=r"pip install 'rigbind\[rerun\]'"):
        outputs.outputs(CONFIG, rerun="run.rrd")


def test_any_of_them_may_be_a_sink_of_a_rig_and_is_heard_on_loopback_alone() -> None:
    for use in ("pipeline.monitor.foxglove:Foxglove", "pipeline.monitor.metrics:Metrics"):
        viewer = build(Part(use, {"port": 0}), "sinks[0]", channels=CHANNELS, security=CONFIG.security)
        with closing(viewer):
            port = urlsplit(viewer.address).port
            listening = [one.laddr for one in psutil.Process().net_connections() if one.status == "LISTEN"]
            assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]
