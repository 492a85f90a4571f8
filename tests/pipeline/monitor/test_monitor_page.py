"""The page in a real browser, fed as a line feeds it."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import received, sample
from msgspec.structs import replace
from situations import clip, observe

from pipeline.feed import FeedPublisher
from pipeline.health import Health
from pipeline.messages import Event

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]

HOSTILE = "<img src=x onerror=alert(1)>"
MODALITIES = {"/camera": "vision", "/imu": "imu", "/microphone": "audio"}
RIG = """
[rig]
name = "<b>patrol</b>"
[bus]
feed = "{feed}"
control = "{control}"
[record]
path = "box run.mcap"
[model]
preset = "tiny"
engine = "local"
[[channels]]
topic = "/camera"
modality = "vision"
rate_hz = 10
[[channels]]
topic = "/imu"
modality = "imu"
rate_hz = 100
[[channels]]
topic = "/microphone"
modality = "audio"
rate_hz = 10
calibration = {{ sample_rate_hz = 16000 }}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class FakeLine:
    """Feeds a page as a line does, one turn every tenth of a second."""

    def __init__(self, feed: str) -> None:
        self.publisher = FeedPublisher(feed, MODALITIES)
        self.publisher.watch(lambda: Health(windows=self.turn, latency_ms={"line": (1.0, 2.0, 3.0)}))
        self.turn = 0
        self.has_camera = True

    def go(self, seconds: float) -> None:
        for _ in range(round(10 * seconds)):
            self.turn += 1
            picture = np.full((48, 64, 3), self.turn % 255, np.uint8)
            for topic, data in (("/camera", picture), ("/imu", np.zeros(6))):
                if topic != "/camera" or self.has_camera:
                    now = time.time_ns()
                    one = replace(sample(topic, seq=self.turn, data=data), stamp=now)
                    self.publisher.sample(replace(received([one])[0], received=now))
            if self.turn % 5 == 0:
                self.publisher.show(self.observation())
            time.sleep(0.1)

    def observation(self) -> Any:
        seen = observe(self.turn, {topic: np.random.default_rng(self.turn).normal(size=8) for topic in MODALITIES})
        clips = {topic: replace(clip(modality), topic=topic) for topic, modality in MODALITIES.items()}
        ledger = {topic: {"received": self.turn, "used": self.turn} for topic in MODALITIES}
        states = dict.fromkeys(MODALITIES, "ok") | ({} if self.has_camera else {"/camera": "dead"})
        window = replace(seen.window, clips=clips, ledger=ledger, states=states)
        return replace(
            seen, window=window, scores={"tagging/fire": 0.91, "anomaly//camera": 4.0, "anomaly/anomaly": 4.0}
        )


@contextmanager
def served(rig: Path, port: int) -> Iterator[None]:
    """Have the page of ``rig`` served."""
    page = subprocess.Popen([sys.executable, "-m", "pipeline.commands", "monitor", rig, "--port", str(port)])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield
    finally:
        page.terminate()
        page.wait(10)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeLine, str]]:
    """A line that is shown, and where."""
    feed, port = f"tcp://127.0.0.1:{free_port()}", free_port()
    rig = tmp_path_factory.mktemp("page") / "rig.toml"
    rig.write_text(RIG.format(feed=feed, control=f"tcp://127.0.0.1:{free_port()}"))
    fake = FakeLine(feed)
    with closing(fake.publisher), served(rig, port):
        yield fake, f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(line: tuple[FakeLine, str], browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page, without an error on its console; a picture of it is left behind."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(line[1])
    yield opened
    opened.screenshot(path=tmp_path / "page.png")
    opened.close()
    assert said == []


def test_every_view_has_its_data(line: tuple[FakeLine, str], page: Any) -> None:
    fake, _ = line
    fake.go(3)
    sync_api.expect(page.locator("figure[data-frame='0'] img")).to_have_js_property("naturalWidth", 64)
    sync_api.expect(page.locator("figure[data-frame='2'] img")).to_have_js_property("naturalWidth", 312)
    assert "fire" in page.locator(".rb-bars").inner_text()
    assert "OK" in page.locator(".rb-streams").inner_text()
    assert page.locator(".rb-title").inner_text() == "rigbind · <b>patrol</b>"
    for name, inside in (("Timeline", "canvas"), ("Map", "canvas"), ("Health", ".rb-ledger td >> nth=0")):
        page.get_by_role("tab", name=name).click()
        fake.go(1)
        assert page.locator(f".q-tab-panel {inside}").first.is_visible(), name
    page.get_by_role("tab", name="Search").click()
    sync_api.expect(page.get_by_text("There is no index to search")).to_be_visible()
    page.get_by_role("tab", name="Labels").click()
    sync_api.expect(page.get_by_text("no line answered")).to_be_visible(timeout=15_000)


def test_a_camera_that_is_gone_greys_and_says_how_old_its_picture_is(line: tuple[FakeLine, str], page: Any) -> None:
    fake, _ = line
    fake.go(1)
    figure = page.locator("figure[data-frame='0']")
    sync_api.expect(figure).not_to_have_class("rb-stale")
    fake.has_camera = False
    fake.go(2)
    assert "rb-stale" in (figure.get_attribute("class") or "")
    assert "s old" in figure.inner_text()
    assert "DEAD" in page.locator(".rb-streams").inner_text()
    fake.has_camera = True


def test_an_event_is_listed_opened_and_only_text(line: tuple[FakeLine, str], page: Any) -> None:
    fake, _ = line
    start = time.time_ns()
    evidence = {"/camera": 7.0}
    event = Event(id="an e", phase="opened", start=start, end=start + 10**9, label=HOSTILE, score=7.0, source="anomaly",
                  evidence=evidence, severity="critical")  # fmt: skip
    for number in range(300):
        fake.publisher.write(replace(event, id=f"old{number}", label="old", start=start - 10**12))
    fake.publisher.write(event)
    fake.go(1)
    page.get_by_role("tab", name="Timeline").click()
    fake.go(1.5)
    page.get_by_text(HOSTILE).first.click()
    sync_api.expect(page.locator(".rb-event")).to_contain_text(HOSTILE)
    sync_api.expect(page.locator(".rb-event")).to_contain_text("rigbind explain 'an e'")
    at = start // 10**9 - 2
    sync_api.expect(page.locator(".rb-event")).to_contain_text(f"rigbind monitor 'box run.mcap' --start @{at}.")
    assert page.locator("img[src='x']").count() == 0


def test_a_phone_shows_all_without_scrolling_sideways(line: tuple[FakeLine, str], page: Any) -> None:
    fake, _ = line
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    fake.go(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_browser_finds_its_page_and_the_page_its_line_again(browser: Any, tmp_path: Path) -> None:
    feed, port, rig = f"tcp://127.0.0.1:{free_port()}", free_port(), tmp_path / "rig.toml"
    rig.write_text(RIG.format(feed=feed, control=f"tcp://127.0.0.1:{free_port()}"))
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    status, picture = page.locator(".rb-status"), page.locator("figure[data-frame='0']:not(.rb-stale) img")
    for number in range(2):
        with served(rig, port):
            if number == 0:
                page.goto(f"http://127.0.0.1:{port}/")
            for _ in range(2):
                fake = FakeLine(feed)
                with closing(fake.publisher):
                    for _ in range(60):
                        fake.go(0.5)
                        if status.inner_text() == "live" and picture.count():
                            break
                    assert (status.inner_text(), picture.count()) == ("live", 1)
                sync_api.expect(status).to_contain_text("silent for", timeout=15_000)
    page.close()
