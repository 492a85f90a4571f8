"""What a viewer asks of a line, and of an index, in a real browser: labels, marks, searches."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import noise, picture
from lines import DIM, line_of
from msgspec.structs import replace
from situations import observe
from test_monitor_page import CHROMIUM, HOSTILE, RIG, browser, free_port

from pipeline.commands.index import index
from pipeline.control import ControlServer, Request
from pipeline.feed import FeedPublisher
from pipeline.line import Line
from pipeline.messages import Event, SetLabel

__all__ = ["browser"]  # a fixture

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="this host has no chromium"),
]


NAMED = """([selector, name]) => {
    const of = document.querySelector(selector), chart = of && getElement(Number(of.id.slice(1)))?.chart;
    const series = chart ? chart.getOption().series : [];
    series.forEach((one, seriesIndex) => one.data.forEach((_, dataIndex) =>
        chart.dispatchAction({type: "showTip", seriesIndex, dataIndex})));
    return JSON.stringify(series).includes(name);
}"""
"""Whether a chart has something of a name; every point has told what it is."""


@pytest.fixture
def asked(tmp_path: Path, browser: Any) -> Iterator[tuple[Line, FeedPublisher, Any]]:
    """A line with a tagger that does what it is asked, its feed, and its page, which has an index to search."""
    for number, name in enumerate(("0", "1", HOSTILE)):
        picture(tmp_path / "things" / f"{name}.png", seed=number)
        noise(tmp_path / "things" / f"{name}.wav", seed=number)
    index([str(tmp_path / "things")], str(tmp_path / "db"))
    feed, control, port = f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}", free_port()
    (tmp_path / "rig.toml").write_text(RIG.format(feed=feed, control=control))
    line, stop = line_of(), threading.Event()

    def obey(server: ControlServer) -> None:
        while not stop.wait(0.02):
            for request in server.take():
                line.asked(request)

    command = ["monitor", str(tmp_path / "rig.toml"), "--port", str(port), "--db", str(tmp_path / "db")]
    page = subprocess.Popen([sys.executable, "-m", "pipeline.commands", *command], stdout=subprocess.PIPE)
    with closing(ControlServer(control)) as server, closing(FeedPublisher(feed)) as publisher:
        thread = threading.Thread(target=obey, args=[server])
        thread.start()
        try:
            assert page.stdout is not None
            page.stdout.readline()  # its address: it is about to be served
            opened = browser.new_page(viewport={"width": 1280, "height": 800})
            goto(opened, f"http://127.0.0.1:{port}/")
            yield line, publisher, opened
            opened.close()
        finally:
            stop.set()
            thread.join()
            page.terminate()
            page.communicate(timeout=10)


def goto(page: Any, address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            page.goto(address)
            return
        except sync_api.Error:
            assert time.monotonic() < deadline
            time.sleep(0.3)


def dismissed(alerts: list[str], dialog: Any) -> None:
    """Note that a script ran."""
    alerts.append(dialog.message)
    dialog.dismiss()


def test_labels_marks_and_searches_reach_the_line_and_the_index(asked: tuple[Line, FeedPublisher, Any]) -> None:
    line, publisher, page = asked
    page.get_by_role("tab", name="Labels").click()
    page.get_by_label("label", exact=True).fill("smoke")
    page.get_by_label("sentences, with ; between").fill("smoke rises; grey smoke")
    page.get_by_role("button", name="set").click()
    sync_api.expect(page.locator(".rb-labels")).to_contain_text("smoke rises; grey smoke", timeout=30_000)
    assert {one.label: one.prompts for one in line.steering.labels()}["smoke"] == ("smoke rises", "grey smoke")

    now = time.time_ns()
    event = Event(id="tagging/smoke@1", phase="opened", start=now, end=now + 1, label="smoke", score=0.9,
                  source="tagging")  # fmt: skip
    line.emit(event)
    publisher.write(event)
    page.get_by_role("tab", name="Timeline").click()
    page.locator(".rb-table").get_by_text("smoke").first.click(timeout=30_000)
    page.get_by_role("button", name="right").click()
    sync_api.expect(page.get_by_text("tagging/smoke@1 is noted as right")).to_be_visible(timeout=30_000)
    assert line.steering.version == 2
    page.get_by_role("button", name="close").click()

    page.get_by_role("tab", name="Search").click()
    page.get_by_placeholder("glass breaking").fill("noise")
    page.get_by_role("button", name="find").click()
    sync_api.expect(page.locator(".rb-hit").first).to_be_visible(timeout=60_000)
    assert page.locator(".rb-hit").count() == 6

    field = page.get_by_placeholder("glass breaking")
    field.evaluate("field => field.removeAttribute('maxlength')")
    field.fill("x" * 100_000)
    page.get_by_role("button", name="find").click()
    sync_api.expect(page.get_by_text("a sentence may have 1000 characters at most")).to_be_visible(timeout=30_000)
    assert page.locator(".rb-hit").count() == 6


def test_html_is_only_text_in_every_view(asked: tuple[Line, FeedPublisher, Any]) -> None:
    line, publisher, page = asked
    expect, alerts = sync_api.expect, list[str]()
    page.on("dialog", partial(dismissed, alerts))
    line.asked(Request(SetLabel(label=HOSTILE, prompts=(HOSTILE,)), 0))
    now = time.time_ns()
    event = Event(id=HOSTILE, phase="opened", start=now, end=now + 1, label=HOSTILE, score=3.0, source=HOSTILE,
                  evidence={HOSTILE: 3.0})  # fmt: skip
    scores = {f"anomaly/{HOSTILE}": 5.0, f"tagging/{HOSTILE}": 0.9}
    publisher.write(event)
    for number in range(3):
        vectors = {topic: np.random.default_rng(number).normal(size=DIM) for topic in ("/imu", "/camera")}
        seen = observe(number, vectors)
        publisher.show(replace(seen, scores=scores))
    expect(page.locator(".rb-bars").get_by_text(HOSTILE)).to_have_count(3, timeout=30_000)
    page.get_by_role("tab", name="Labels").click()
    expect(page.locator(".rb-labels")).to_contain_text(HOSTILE, timeout=30_000)
    page.get_by_role("tab", name="Search").click()
    page.get_by_placeholder("glass breaking").fill(HOSTILE)
    page.get_by_role("button", name="find").click()
    expect(page.locator(".rb-hits")).to_contain_text(f"{HOSTILE}.png", timeout=60_000)
    for name, chart in (("Timeline", ".rb-timeline"), ("Map", ".rb-map")):
        page.get_by_role("tab", name=name).click()
        page.wait_for_function(NAMED, arg=[chart, HOSTILE], timeout=30_000)
    page.wait_for_timeout(500)
    assert alerts == []
