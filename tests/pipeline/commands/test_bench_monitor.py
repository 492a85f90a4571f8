"""The bench of the page prints its figures; those of a browser where there is one."""

import json
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.commands.bench.monitor import monitor


@pytest.mark.slow
def test_the_page_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(monitor.__globals__, "ROUNDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monitor(seconds=1.0, port=port, json=tmp_path / "monitor.json")
    found = json.loads((tmp_path / "monitor.json").read_text())["figures"]
    assert found["step_ms_p50"] > 0
    assert found["step_ratio_1_viewer"] > 0
    assert found["step_ratio_100_viewers"] > 0
    has_browser = bool(shutil.which("chromium") and find_spec("playwright"))
    assert ("capture_to_pixel_ms_p50" in found) == has_browser
