"""The page of a finished log in a real browser: it plays, holds, steps, and goes where it is sent."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOG = Path(__file__).parents[2] / "data" / "0.1.0" / "patrol.mcap"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]

PATIENCE_MS = 60_000


@pytest.fixture
def address() -> Iterator[str]:
    """Where the page of the log is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = subprocess.Popen([sys.executable, "-m", "pipeline.commands", "monitor", str(LOG), "--port", str(port)])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        line.terminate()
        line.wait(20)


def test_a_log_is_played_held_stepped_and_sought(address: str) -> None:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(address)
        bar, at = page.locator(".rb-drive"), page.locator(".rb-drive .rb-num")
        sync_api.expect(bar).to_have_attribute("data-held", "true", timeout=PATIENCE_MS)  # it has come to its end
        page.mouse.click(*middle_of(page.locator(".rb-seek .q-slider"), 0.02))
        sync_api.expect(bar).to_have_attribute("data-held", "false", timeout=PATIENCE_MS)
        page.keyboard.press(" ")
        sync_api.expect(bar).to_have_attribute("data-held", "true", timeout=PATIENCE_MS)
        held = at.inner_text()
        time.sleep(1.2)
        assert at.inner_text() == held
        page.keyboard.press("ArrowRight")
        sync_api.expect(at).not_to_have_text(held, timeout=PATIENCE_MS)
        assert page.locator("figure.rb-cam img").count() > 0
        assert said == []
        browser.close()


def middle_of(locator: Any, share: float) -> tuple[float, float]:
    """Where ``share`` of its width is."""
    box = locator.bounding_box()
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2
