"""News over real sockets: a client that never reads costs nobody else anything, and not for long."""

import json
import os
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Thread

import pytest
import uvicorn
from fastapi import FastAPI
from msgspec.structs import replace
from viewing import FIRE
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from pipeline.monitor import api, live
from pipeline.monitor.access import Access
from pipeline.monitor.api import mount
from pipeline.monitor.board import Board

LONG = {f"/topic/{number}": 0.123456789 for number in range(4000)}
"""Evidence that makes one event 100 kB."""


@contextmanager
def served(board: Board) -> Iterator[int]:
    """Serve ``board`` on a free port."""
    app = FastAPI()
    mount(app, board)
    server = uvicorn.Server(uvicorn.Config(Access(app), log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def stalled(port: int) -> socket.socket:
    """Return a WebSocket that was opened by hand, and that nobody reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    key = b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def test_who_never_reads_is_let_go_and_the_others_have_their_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE_S", 1.0)
    monkeypatch.setattr(live, "PERIOD_S", 0.01)
    board = Board()
    news = live.Live(board)
    monkeypatch.setattr(api, "Live", lambda board: news)
    with served(board) as port, closing(stalled(port)), connect(f"ws://127.0.0.1:{port}/api/live") as reader:
        reader.recv(5)
        assert news.num_clients == 2
        until = time.monotonic() + 20
        while news.num_clients == 2:
            assert time.monotonic() < until, "the stalled client was never let go"
            board.write(replace(FIRE, id=f"{board.version}", evidence=LONG))
            told = json.loads(reader.recv(5))
            while not told["events"]:
                told = json.loads(reader.recv(5))
            assert told["events"][0]["id"] == f"{board.version - 1}"
        assert news.num_clients == 1


def test_only_so_many_may_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS", 1)
    with served(Board()) as port, connect(f"ws://127.0.0.1:{port}/api/live") as first:
        assert json.loads(first.recv(5))["version"] == 0
        with connect(f"ws://127.0.0.1:{port}/api/live") as second, pytest.raises(ConnectionClosed, match="1013"):
            second.recv(5)


def test_a_file_that_is_too_large_is_not_taken_in() -> None:
    with served(Board()) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            f"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {10**9}\r\n\r\n".encode()
        )
        assert client.recv(12) == b"HTTP/1.1 413"
