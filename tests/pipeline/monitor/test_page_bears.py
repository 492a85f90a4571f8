"""What a page bears, in a real browser: sensors that never come, and ten thousand events with HTML in their names."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from test_monitor_page import CHROMIUM, HOSTILE, browser, free_port
from test_page_asks import dismissed, goto
from viewing import FIRE

from pipeline.monitor.board import EVENTS

__all__ = ["browser"]  # a fixture

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]

SILENT = """
[bus]
feed = "tcp://127.0.0.1:{feed}"
control = "tcp://127.0.0.1:{control}"
[[channels]]
topic = "/camera"
modality = "vision"
rate_hz = 10
"""

ROWS = 50
"""More than a page of the table has, whatever was told."""


def test_silence_ten_thousand_events_and_html_are_borne(tmp_path: Path, browser: Any) -> None:
    port, rig, told = free_port(), tmp_path / "rig.toml", tmp_path / "told.jsonl"
    rig.write_text(SILENT.format(feed=free_port(), control=free_port()))
    event = replace(FIRE, label=HOSTILE, pictures={}, sounds={}, evidence={HOSTILE: 3.0}, phase="closed")
    told.write_bytes(
        msgspec.json.Encoder().encode_lines(replace(event, id=f"{HOSTILE}{number}") for number in range(EVENTS))
    )
    options = ["--port", str(port), "--events", str(told)]
    served = subprocess.Popen([sys.executable, "-m", "pipeline.commands", "monitor", str(rig), *options])
    page, said = browser.new_page(viewport={"width": 1280, "height": 800}), list[str]()
    try:
        goto(page, f"http://127.0.0.1:{port}/")
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", partial(dismissed, said))
        sync_api.expect(page.locator(".rb-streams")).to_contain_text("not heard yet", timeout=30_000)
        sync_api.expect(page.locator("figure[data-frame='0']")).to_contain_text("waiting")

        page.get_by_role("tab", name="Timeline").click()
        row = page.locator(".rb-table tbody tr")
        sync_api.expect(row.first).to_contain_text(HOSTILE, timeout=30_000)
        assert row.count() < ROWS
        row.first.click()
        sync_api.expect(page.locator(".rb-event")).to_contain_text(HOSTILE, timeout=30_000)
        page.get_by_role("button", name="close").click()

        page.wait_for_timeout(500)
        assert said == []
    finally:
        page.close()
        served.terminate()
        served.wait(10)
