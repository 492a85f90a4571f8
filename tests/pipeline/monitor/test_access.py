"""Who may see a page: nobody by accident, nobody by guessing, nobody by way of another page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from pipeline.errors import SecurityError
from pipeline.monitor import access
from pipeline.monitor.access import Access, token_for
from pipeline.monitor.attempts import BLOCK_S, CLIENTS, FAILURES, Attempts

TOKEN = "correct horse battery staple"
HERE = "http://127.0.0.1:8080"
SOCKET = "ws://127.0.0.1:8080/socket"
PAGE = {"accept": "text/html"}


class Clock:
    """Time that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def app(token: str = "", clock: Clock | None = None) -> Access:
    inner = FastAPI()

    @inner.get("/{path:path}")
    def page(path: str) -> str:
        return path

    @inner.post("/{path:path}")
    async def change(request: Request) -> int:
        return len(await request.body())

    @inner.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    return Access(inner, token, now=clock or Clock())


@pytest.fixture
def open_() -> Iterator[TestClient]:
    with TestClient(app(), HERE) as client:
        yield client


@pytest.fixture
def closed() -> TestClient:
    return TestClient(app(TOKEN), HERE, follow_redirects=False)


def test_loopback_asks_for_nothing(open_: TestClient) -> None:
    assert open_.get("/a").json() == "a"
    assert open_.post("/a", content=b"xy").json() == 2
    with open_.websocket_connect(SOCKET) as socket:
        assert socket.receive_text() == "hello"


def test_without_the_token_there_is_only_a_form(closed: TestClient) -> None:
    assert closed.get("/a").status_code == 401
    assert closed.get("/a", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert closed.get("/a", headers={"authorization": "Bearer " + TOKEN[:-1]}).status_code == 401
    assert closed.get("/a", headers={"cookie": f"rigbind={TOKEN}"}).status_code == 401
    assert closed.post("/a", content=b"x").status_code == 401
    form = closed.get("/a", headers=PAGE)
    assert (form.status_code, 'name="token"' in form.text) == (401, True)
    with pytest.raises(WebSocketDisconnect), closed.websocket_connect(SOCKET):
        pass


def test_a_program_says_the_token_each_time(closed: TestClient) -> None:
    assert closed.get("/a", headers={"authorization": f"Bearer {TOKEN}"}).json() == "a"
    assert closed.get("/a").status_code == 401


@pytest.mark.parametrize("way", ["form", "address"])
def test_a_browser_gives_the_token_once(closed: TestClient, way: str) -> None:
    if way == "form":
        answer = closed.post("/login", data={"token": TOKEN}, headers={"origin": HERE})
        assert answer.headers["location"] == "/"
    else:
        answer = closed.get("/a b", params={"token": TOKEN, "x": "1"}, headers=PAGE)
        assert answer.headers["location"] == "/a%20b?x=1"
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert closed.get("/a").json() == "a"
    with closed.websocket_connect(SOCKET) as socket:
        assert socket.receive_text() == "hello"
    assert TestClient(app(TOKEN), HERE, cookies=dict(closed.cookies)).get("/a").status_code == 401  # another start


def test_an_address_cannot_send_a_browser_elsewhere(closed: TestClient) -> None:
    answer = closed.get(f"{HERE}//evil.example/a?token={TOKEN.replace(' ', '+')}")
    assert answer.headers["location"] == "/evil.example/a"


def test_guessing_has_an_end() -> None:
    clock = Clock()
    client = TestClient(app(TOKEN, clock), HERE, client=("10.0.0.9", 1))
    neighbour = TestClient(client.app, HERE, client=("10.0.0.10", 1))
    for _ in range(FAILURES):
        assert client.post("/login", data={"token": "guess"}).status_code == 401
    refused = client.get("/a", headers={"authorization": f"Bearer {TOKEN}"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, f"{BLOCK_S:.0f}")
    assert neighbour.get("/a", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    clock.now += BLOCK_S
    assert client.get("/a", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_guessers_are_remembered_in_bounded_memory() -> None:
    attempts = Attempts(Clock())
    for number in range(10 * CLIENTS):
        attempts.failed(f"client {number}")
    assert len(attempts._failures) <= CLIENTS + 1
    assert attempts.wait("a client that is new") > 0


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://["])
def test_another_page_changes_nothing_and_opens_no_socket(open_: TestClient, origin: str) -> None:
    assert open_.post("/a", headers={"origin": origin}).status_code == 403
    assert open_.delete("/a", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        open_.websocket_connect(SOCKET, headers={"origin": origin}),
    ):
        pass
    assert open_.post("/a", headers={"origin": HERE}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example:8080"])
def test_a_name_that_was_made_to_point_here_is_refused(open_: TestClient, host: str) -> None:
    assert open_.get("/a", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8080", "192.168.0.7", "[::1]:8080", "LOCALHOST"])
def test_names_of_this_host_are_taken(open_: TestClient, host: str) -> None:
    assert open_.get("/a", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/logs/..%2f..%2fetc/passwd", "/logs/%2e%2e/x", "/a%00b", "/a%5c..%5cb", "/a%0d%0ab"])
def test_path_tricks_are_refused(open_: TestClient, path: str) -> None:
    assert open_.get(path).status_code == 400


def test_too_much_is_refused_while_it_comes_in(open_: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_BODY", 100_000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 10_000
            yield bytes(10_000)

    assert open_.post("/a", content=bytes(100_000)).json() == 100_000
    assert open_.post("/a", content=bytes(100_001)).status_code == 413
    assert open_.post("/a", content=endless()).status_code == 413
    assert open_.get("/a", params={"text": "x" * 9_000}).status_code == 414


def test_answers_say_that_they_are_what_they_are(open_: TestClient, closed: TestClient) -> None:
    for answer in (open_.get("/a"), closed.get("/a"), open_.post("/a", headers={"origin": "null"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_an_open_address_wants_a_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert token_for("127.0.0.1", None) == ""
    assert token_for("0.0.0.0", path) == token_for("0.0.0.0", None, environment={"RIGBIND_TOKEN": TOKEN}) == TOKEN
    assert token_for("0.0.0.0", None, insecure=True) == ""
    with pytest.raises(SecurityError, match=r"0\.0\.0\.0 can be reached"):
        token_for("0.0.0.0", None)
    path.write_text("short")
    with pytest.raises(SecurityError, match="at least 16"):
        token_for("127.0.0.1", path)
    with pytest.raises(SecurityError, match="no token can be read"):
        token_for("0.0.0.0", tmp_path / "none")
