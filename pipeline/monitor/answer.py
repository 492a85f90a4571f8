"""What is sent back: refusals, the form that asks for a token, and what the application says, with our headers."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from pipeline.monitor.visit import Scope

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
)
FORM = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rigbind</title><style>:root{color-scheme:light dark}body{font:16px system-ui;display:grid;place-items:center;
height:90vh}form{display:grid;gap:12px;width:280px}input,button{font:inherit;padding:8px}</style>
<form method="post" action="/login"><b>rigbind</b><label for="token">This rig wants its token.</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<button>Open</button></form></html>"""


class Answer:
    """Sends answers of our own, and adds our headers to those of the app."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_socket = scope["type"] == "websocket"
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Send what the app says."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            own = {name for name, _ in message.get("headers", ())}
            added = [(name, value) for name, value in HEADERS if name not in own]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)

    async def refuse(self, status: int, headers: Collection[tuple[bytes, bytes]] = ()) -> None:
        """Answer with no more than a status; to a socket, by not opening it."""
        if self._is_socket:
            await self._send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(status, b"", headers)

    async def challenge(self, wants_page: bool) -> None:
        """Ask for the token."""
        if wants_page:
            await self._answer(
                401, FORM, [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
            )
        else:
            await self.refuse(401, [(b"www-authenticate", b"Bearer")])

    async def welcome(self, name: str, session: str, place: str, is_secure: bool) -> None:
        """Give the cookie, and show ``place``."""
        cookie = f"{name}={session}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if is_secure else "")
        await self._answer(303, b"", [(b"set-cookie", cookie.encode()), (b"location", place.encode())])

    async def _answer(self, status: int, body: bytes, headers: Collection[tuple[bytes, bytes]]) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await self({"type": "http.response.body", "body": body})


async def limited(app: App, scope: Scope, receive: Receive, reply: Answer, max_body: int) -> None:
    """Run ``app``; a body that grows beyond ``max_body`` ends as if the client had gone, and is answered with 413."""
    taken, is_too_large = 0, False

    async def counted() -> Message:
        nonlocal taken, is_too_large
        message = await receive()
        taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        is_too_large = taken > max_body
        return {"type": "http.disconnect"} if is_too_large else message

    async def unless_too_large(message: Message) -> None:
        if not is_too_large or reply.has_begun:
            await reply(message)

    try:
        await app(scope, counted, unless_too_large)
    except Exception:
        if not is_too_large:
            raise
    if is_too_large and not reply.has_begun:
        await reply.refuse(413)
