"""The page of a finished log in a real browser: it plays, holds, steps, goes where it is sent, and knows its events."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.logs import Log, Recorded
from pipeline.logs.annotate import Annotations
from pipeline.messages import NS, Event

PATROL = Path(__file__).parents[2] / "data" / "0.1.0" / "patrol.mcap"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three seconds of a patrol, in which there was a bump."""
    notes, patrol, path = Annotations(), Log(PATROL), tmp_path / "bump.mcap"
    start = patrol.start + 2 * NS
    bump = Event(id="bump@2", phase="opened", start=start, end=start + 1, label="bump", score=4.0, source="anomaly",
                 evidence={"/imu": 4.0})  # fmt: skip
    notes.write(bump)
    notes.annotate(PATROL, path, patrol, Recorded(PATROL).config)
    return path


@pytest.fixture
def address(log: Path) -> Iterator[str]:
    """Where the page of the log is; nothing of it is left behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = subprocess.Popen([sys.executable, "-m", "pipeline.commands", "monitor", str(log), "--port", str(port)])
    try:
        deadline = time.monotonic() + 60
        while not answers(port) and time.monotonic() < deadline:
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        line.terminate()
        line.wait(20)
    assert not answers(port)


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """The page, without an error on its console."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.set_default_timeout(60_000)
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.goto(address)
        yield opened
        browser.close()
    assert said == []


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def seek(page: Any, share: float) -> None:
    """Press where ``share`` of the bar is, for longer than the page takes to tell where the replay is."""
    box = page.locator(".rb-seek .q-slider").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2, delay=1_000)


def test_a_log_is_played_held_stepped_sought_and_its_event_replayed(page: Any) -> None:
    expect = sync_api.expect
    expect.set_options(timeout=60_000)
    bar, at, picture = (
        page.locator(".rb-drive"),
        page.locator(".rb-drive .rb-num"),
        page.locator("[data-frame='0'] img"),
    )
    expect(bar).to_have_attribute("data-held", "true")  # it has come to its end
    expect(at).to_have_text("0:03.0 / 0:03.0")
    assert re.fullmatch(r"-?\d+\.\d °C", page.locator(".rb-high").nth(0).inner_text())
    assert re.fullmatch(r"\d+\.\d m", page.locator(".rb-high").nth(1).inner_text())
    assert page.locator(".rb-marks i").count() == 1

    seek(page, 0.02)
    expect(bar).to_have_attribute("data-held", "false")
    page.keyboard.press(" ")
    expect(bar).to_have_attribute("data-held", "true")
    held, shown = at.inner_text(), picture.get_attribute("src")
    time.sleep(1.2)
    assert at.inner_text() == held
    assert not page.locator("[data-frame='0'].rb-stale").count()

    seek(page, 0.5)
    expect(at).to_have_text(re.compile(r"0:0(1\.[5-9]|2)"))
    expect(picture).not_to_have_attribute("src", shown)
    assert bar.get_attribute("data-held") == "true"
    sought = at.inner_text()
    page.keyboard.press("ArrowRight")
    expect(at).not_to_have_text(sought)

    page.get_by_role("tab", name="Timeline").click()
    page.get_by_role("cell", name="bump").click()
    page.get_by_role("button", name="replay").click()
    expect(bar).to_have_attribute("data-held", "false")
    expect(at).to_have_text("0:03.0 / 0:03.0")

    page.locator(".rb-drive .q-select").click()
    page.get_by_role("option", name="0.5×").click()
    page.get_by_role("button", name="loop").click()
    expect(bar).to_have_attribute("data-held", "false")  # it has begun again
    expect(page.locator(".rb-drive .q-select")).to_have_text(re.compile("^0.5×"))
