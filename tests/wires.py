"""Events to send, and somebody who takes them over HTTP."""

import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from pipeline.messages import Event, Phase


def event(number: int, phase: Phase = "opened", score: float = 1.0) -> Event:
    return Event(
        id=f"e{number}",
        phase=phase,
        start=number,
        end=number + 5,
        label="fire",
        score=score,
        source="tagging",
        pictures={"/camera": b"jpeg"},
    )


def waited_for(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return once ``is_so``."""
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond ``size`` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Taker(HTTPServer):
    """Takes what is POSTed, and answers with ``codes`` as long as there are some, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes: list[int] = []
        self.taken: list[tuple[str, bytes]] = []  # idempotency key and body of each
        self.url = f"http://127.0.0.1:{self.server_port}/events"


class _Handler(BaseHTTPRequestHandler):
    server: Taker

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.server.codes.pop(0) if self.server.codes else 204
        if code == 204:
            self.server.taken.append((self.headers["Idempotency-Key"], body))
        self.send_response(code)
        if code == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def taking() -> Iterator[Taker]:
    """A taker at work."""
    with Taker() as taker:
        thread = threading.Thread(target=taker.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield taker
        finally:
            taker.shutdown()
            thread.join()
