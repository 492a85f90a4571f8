"""The page: pictures, what is made of them, and how the line is doing; in a process of its own."""

import asyncio
import warnings
from collections.abc import Callable, Sequence
from importlib.resources import files
from threading import Event as Flag
from threading import Thread
from time import monotonic

import uvicorn
from fastapi import FastAPI, Request, Response
from nicegui import ui

from pipeline.config import Config
from pipeline.control import Question, Reply
from pipeline.feed import FeedSubscriber, Told
from pipeline.messages import Hit
from pipeline.monitor.access import Access
from pipeline.monitor.api import Wanted, mount
from pipeline.monitor.board import Snapshot
from pipeline.monitor.scene import Frame, Scene
from pipeline.monitor.views.driving import driving
from pipeline.monitor.views.health import health
from pipeline.monitor.views.labels import labels
from pipeline.monitor.views.live import ends, live
from pipeline.monitor.views.meaning import meaning
from pipeline.monitor.views.search import search
from pipeline.monitor.views.timeline import timeline

REFRESH_S = 0.5

WAIT_S = 5.0
"""A browser's question for the next picture is answered by then, picture or not."""

SILENT_S = 2.0
"""Without a word from the line for so long, the page says so."""

TABS = ("Live", "Timeline", "Map", "Search", "Labels", "Health")

Ask = Callable[[Question], Reply]
Find = Callable[[Wanted], Sequence[Hit]]


class Monitor:
    """Hears the feed of the rig of ``config``, serves the page at ``host``:``port``, and lets ``relay`` hear it too."""

    def __init__(
        self,
        config: Config,
        host: str = "127.0.0.1",
        port: int = 8080,
        token: str = "",
        ask: Ask | None = None,
        find: Find | None = None,
        relay: Callable[[Told], None] | None = None,
    ) -> None:
        self.config = config
        self.scene = Scene(config.channels)
        self._takers = [self.scene.take, *([relay] if relay else [])]
        self._ask, self._find = ask, find
        self._stop = Flag()
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        mount(app, self.scene.board, ask, find)
        app.add_route("/frame/{number:int}", self._frame, methods=["GET"])
        ui.run_with(app, root=self._page, title=f"rigbind {config.rig.name}", dark=None, show_welcome_message=False)
        served = Access(app, token, [host])
        self._server = uvicorn.Server(uvicorn.Config(served, host=host, port=port, log_level="warning"))

    def run(self) -> None:
        """Serve until Ctrl-C."""
        listener = Thread(target=self._hear, name="feed", daemon=True)
        listener.start()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # NiceGUI looks at every object, torch's too
                self._server.run()
        finally:
            self._stop.set()
            listener.join()

    def _hear(self) -> None:
        subscriber = FeedSubscriber(self.config.bus.feed, self.config.security)
        while not self._stop.is_set():
            for told in subscriber.hear():
                for take in self._takers:
                    take(told)
        subscriber.close()

    async def _frame(self, request: Request) -> Response:
        """Answer with the newest picture of a channel after number ``after``, as soon as there is one."""
        number, after = request.path_params["number"], request.query_params.get("after", "0")
        if number >= len(self.scene.channels) or not after.isdecimal() or len(after) > 18:
            return Response(status_code=404)
        until = monotonic() + WAIT_S
        frame = self._newest(number)
        while frame.number == int(after) and monotonic() < until and not self._server.should_exit:
            await asyncio.sleep(0.03)
            frame = self._newest(number)
        age_ms = 1000 * (monotonic() - frame.at + frame.age_s)
        headers = {"x-number": str(frame.number), "x-age-ms": f"{age_ms:.0f}", "cache-control": "no-store"}
        if frame.scale:
            headers |= dict(zip(("x-low", "x-high"), ends(frame.scale), strict=True))
        return Response(frame.jpeg, 200 if frame.jpeg else 204, headers, "image/jpeg")

    def _newest(self, number: int) -> Frame:
        return self.scene.frames.get(self.scene.channels[number].topic, Frame())

    def _page(self) -> None:
        """Build the page for one viewer."""
        ui.add_head_html(f"<style>{_asset('page.css')}</style><script>{_asset('frames.js')}</script>")
        with ui.header().classes("rb-header"):
            ui.label(f"rigbind · {self.config.rig.name}").classes("rb-title")
            status = ui.label("").classes("rb-status")
            dark = ui.dark_mode(None)
            ui.button(icon="contrast", on_click=dark.toggle).props('flat dense round aria-label="dark or light"')
            drive = driving(self.scene, self._ask)
        with ui.tabs().classes("rb-tabs").props("dense mobile-arrows") as tabs:
            for name in TABS:
                ui.tab(name)
        refreshing: dict[str, Callable[[Snapshot], None]] = {}
        with ui.tab_panels(tabs, value="Live").classes("rb-panels"):
            with ui.tab_panel("Live"):
                refreshing["Live"] = live(self.scene, self.config.window.stride_s)
            with ui.tab_panel("Timeline"):
                refreshing["Timeline"] = timeline(self.scene, self._ask, self.config.record.path)
            with ui.tab_panel("Map"):
                refreshing["Map"] = meaning(self.scene, self._ask)
            with ui.tab_panel("Search"):
                search(self._find)
            with ui.tab_panel("Labels"):
                listing = labels(self._ask)
            with ui.tab_panel("Health"):
                refreshing["Health"] = health(self.scene)

        def refresh() -> None:
            silent = monotonic() - self.scene.heard_at
            is_heard = silent < SILENT_S
            drive()
            on = "live" if self.scene.place is None else "replay"
            status.set_text(on if is_heard else "no line is heard" if silent > 1e8 else f"silent for {silent:.0f} s")
            status.classes(replace=f"rb-status {'rb-on' if is_heard else 'rb-off'}")
            if tabs.value in refreshing:
                refreshing[str(tabs.value)](self.scene.board.snapshot())

        ui.timer(REFRESH_S, refresh)
        tabs.on_value_change(lambda change: listing() if change.value == "Labels" else None)


def _asset(name: str) -> str:
    return files("pipeline.monitor").joinpath(name).read_text()
