"""The page of the simulated rig while it runs, in a real browser: from first pictures to an event that is found."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from test_monitor_page import CHROMIUM, browser, free_port
from test_page_asks import goto

__all__ = ["browser"]  # a fixture

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]

ROOT = Path(__file__).resolve().parents[3]
RIG = ROOT / "configs" / "demo.toml"

SENSIBLE = """
[operators.params.labels.rover]
prompts = ["a motor"]
threshold = 1e-06

[[sinks]]
use = "pipeline.search:LiveIndex"
params = {{ path = "{folder}/db" }}

[[sinks]]
use = "pipeline.sinks:JsonLines"
"""
"""A label that is heard in any window, so that there is an event; and an index that grows."""

SOON_MS = 5000
"""A view has its data by then."""

DRAWN = """selector => {
    const of = document.querySelector(selector), chart = of && getElement(Number(of.id.slice(1)))?.chart;
    return chart && chart.getOption().series.some(one => one.data.length);
}"""
"""Whether a chart has anything in it."""

GREYED = """() => new Promise(done => {
    const figure = document.querySelector("figure[data-frame='0']");
    const look = () => figure.classList.contains("rb-stale")
        ? done([Date.now() / 1000, figure.innerText]) : requestAnimationFrame(look);
    look();
})"""
"""When the browser greys the camera's picture, in s since 1970, and what stands there then."""


@pytest.fixture
def running(tmp_path: Path, browser: Any) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """The simulated rig and its page, which has an index to search, and no error on its console."""
    port, rig = free_port(), tmp_path / "rig.toml"
    places = "".join(f'{name} = "tcp://127.0.0.1:{free_port()}"\n' for name in ("address", "events", "control", "feed"))
    text = RIG.read_text().replace('[[sinks]]\nuse = "pipeline.sinks:JsonLines"\n', SENSIBLE.format(folder=tmp_path), 1)
    assert "LiveIndex" in text
    text = text.replace("out/events.jsonl", str(tmp_path / "events.jsonl"))
    rig.write_text(f'[bus]\n{places}[model]\nengine = "local"\n{text}')
    rigbind = [sys.executable, "-m", "pipeline.commands"]
    line = subprocess.Popen([*rigbind, "run", str(rig)], cwd=ROOT, stdout=subprocess.DEVNULL)
    served = [*rigbind, "monitor", str(rig), "--port", str(port), "--db", str(tmp_path / "db")]
    page = subprocess.Popen(served, cwd=ROOT)
    opened, said = browser.new_page(viewport={"width": 1280, "height": 800}), list[str]()
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    try:
        goto(opened, f"http://127.0.0.1:{port}/")
        said.clear()  # of before the page was served
        yield line, opened
        opened.screenshot(path=tmp_path / "end.png")
    finally:
        opened.close()
        for process in (line, page):
            process.send_signal(signal.SIGINT)
        for process in (line, page):
            process.wait(30)
    assert said == []


def test_a_rig_is_seen_its_dead_camera_greys_and_an_event_is_marked_and_found(
    running: tuple[subprocess.Popen[bytes], Any], tmp_path: Path
) -> None:
    line, page = running
    expect = sync_api.expect
    picture = page.locator("figure[data-frame='0'] img")
    expect(picture).to_have_js_property("complete", True)
    page.wait_for_function("document.querySelector(\"figure[data-frame='0'] img\").naturalWidth > 0", timeout=90_000)
    expect(page.locator(".rb-bar").first).to_be_visible(timeout=60_000)  # the first window

    page.reload()
    for number in range(3):
        expect(page.locator(f"figure[data-frame='{number}']")).not_to_have_class(
            re.compile("rb-stale"), timeout=SOON_MS
        )
    expect(page.locator(".rb-chart canvas").first).to_be_visible(timeout=SOON_MS)
    expect(page.locator("figure[data-frame='4'] img")).to_have_js_property("naturalWidth", 312, timeout=SOON_MS)
    expect(page.locator(".rb-streams").get_by_text("OK")).to_have_count(5, timeout=SOON_MS)
    expect(page.locator(".rb-side")).to_contain_text("listening to", timeout=SOON_MS)
    for name, inside in (
        ("Timeline", ".rb-timeline"),
        ("Map", ".rb-map"),
        ("Health", ".rb-ledger td"),
        ("Labels", ".rb-labels .rb-stream"),
        ("Search", ".rb-ask"),
    ):
        page.get_by_role("tab", name=name).click()
        expect(page.locator(inside).first).to_be_visible(timeout=SOON_MS)
        if name in ("Timeline", "Map"):
            page.wait_for_function(DRAWN, arg=inside, timeout=SOON_MS)
        page.wait_for_timeout(500)  # it slides in
        page.screenshot(path=tmp_path / f"{name.lower()}.png")

    page.get_by_role("tab", name="Timeline").click()
    page.locator(".rb-table").get_by_text("rover").first.click(timeout=60_000)
    expect(page.locator(".rb-event")).to_contain_text("rover")
    page.get_by_role("button", name="right").click()
    expect(page.get_by_text("is noted as right")).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name="close").click()

    page.get_by_role("tab", name="Labels").click()
    row = page.locator(".rb-stream").filter(has_text="rover")
    row.get_by_role("button", name="change").click()
    expect(page.get_by_label("label", exact=True)).to_have_value("rover")
    page.get_by_label("threshold, 0 is usual").fill("0.25")
    page.get_by_role("button", name="set", exact=True).click()
    expect(row).to_contain_text("from 0.25", timeout=SOON_MS)
    page.screenshot(path=tmp_path / "labels.png")

    page.get_by_role("tab", name="Search").click()
    page.get_by_placeholder("glass breaking").fill("a motor")
    page.get_by_role("button", name="find").click()
    expect(page.locator(".rb-hit").first).to_be_visible(timeout=60_000)  # the page reads its encoders first
    expect(page.locator(".rb-hit").get_by_text("rover").first).to_be_visible()

    page.get_by_role("tab", name="Live").click()
    page.wait_for_timeout(1500)  # pictures that did not go on would be grey by now
    expect(page.locator("figure[data-frame='0']")).not_to_have_class(re.compile("rb-stale"), timeout=SOON_MS)
    camera = next(child for child in psutil.Process(line.pid).children(recursive=True) if is_of_camera(child))
    hung = time.time()
    camera.suspend()
    greyed, told = page.evaluate(GREYED)
    assert greyed - hung < 1.0
    assert "old" in told
    expect(page.locator(".rb-streams")).to_contain_text("DEAD", timeout=10_000)
    camera.kill()
    expect(page.locator("figure[data-frame='0']")).not_to_have_class(re.compile("rb-stale"), timeout=60_000)  # anew


def is_of_camera(process: psutil.Process) -> bool:
    return "/camera/front" in process.cmdline()
