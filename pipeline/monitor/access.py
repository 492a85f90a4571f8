"""Who may see a page: an ASGI layer around everything that is served, sockets included.

On loopback anyone on this host may. Any other address wants a token, given once in a form or as ``?token=``, or with
every request as ``Authorization: Bearer``; a browser then has a cookie, worth nothing elsewhere nor after the next
start. Pages of another origin can neither change anything nor open a socket, and who is called by a name that is not
this host's own does not answer, so that no name can be made to point here (DNS rebinding).
"""

import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs

from pipeline.errors import SecurityError
from pipeline.monitor.answer import Answer, App, Receive, Send, limited
from pipeline.monitor.attempts import Attempts
from pipeline.monitor.visit import Scope, Visit
from pipeline.security import is_private

COOKIE = "rigbind"
LOGIN = "/login"
TOKEN = "RIGBIND_TOKEN"
"""The environment variable that may hold a token."""

MIN_TOKEN = 16
"""Characters; shorter ones can be guessed."""

MAX_BODY = 32 << 20
"""Bytes of a request; what is longer is refused while it comes in."""

MAX_FORM = 4096
"""Bytes of the form that asks for a token."""

MAX_URL = 8192
"""Bytes of a path and its query."""

SAFE = ("GET", "HEAD", "OPTIONS")


def token_for(
    host: str, path: Path | None, insecure: bool = False, environment: Mapping[str, str] | None = None
) -> str:
    """Return the token that a server at ``host`` asks for, from a file or the environment; none on loopback if neither.

    Raise SecurityError if it would be open to a network without one, or has one that can be guessed.
    """
    token = (environment or {}).get(TOKEN, "")
    if path is not None:
        try:
            token = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecurityError(f"{path}: no token can be read there: {error}") from error
    if (token or path) and len(token) < MIN_TOKEN:
        raise SecurityError(f"{path or TOKEN}: a token has at least {MIN_TOKEN} characters, this one has {len(token)}")
    if not (token or insecure or is_private(f"tcp://{host}:0")):
        raise SecurityError(
            f"{host} can be reached from other hosts: name a file that holds a token, or set {TOKEN}; "
            "`openssl rand -hex 16` makes one"
        )
    return token


class Access:
    """Lets through to ``app`` who may see it. An empty ``token`` asks for none; ``hosts`` are names of this host."""

    def __init__(
        self, app: App, token: str = "", hosts: Collection[str] = (), now: Callable[[], float] = monotonic
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._session = secrets.token_urlsafe(32)  # the cookie: of this start, and never the token itself
        self._attempts = Attempts(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, ask for the token, or let through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visit, answer = Visit(scope), Answer(scope, send)
        if status := self._refusal(visit):
            await answer.refuse(status)
        elif not self._token or _same(visit.cookie(COOKIE), self._session):
            await limited(self._app, scope, receive, answer, MAX_BODY)
        else:
            await self._ask(visit, receive, answer)

    def _refusal(self, visit: Visit) -> int:
        """Return the status for what nobody may ask, or 0."""
        if not self._token and not visit.is_for(self._hosts):  # with one, a cookie is bound to the name already
            return 421
        if (visit.is_socket or visit.method not in SAFE) and not visit.is_same_origin:
            return 403
        if len(visit.path) + len(visit.query) > MAX_URL:
            return 414
        if visit.length > MAX_BODY:
            return 413
        return 400 if visit.is_odd else 0

    async def _ask(self, visit: Visit, receive: Receive, answer: Answer) -> None:
        """Let through who has the token, give a cookie to a browser that has it, and a form to one that has not."""
        is_login = visit.method == "POST" and visit.path == LOGIN
        offered = await _form_token(receive) if is_login else visit.bearer or visit.url_token
        if not offered:
            await answer.challenge(visit.wants_page)
        elif wait_s := self._attempts.wait(visit.client):
            await answer.refuse(429, [(b"retry-after", f"{wait_s:.0f}".encode())])
        elif not _same(offered, self._token):
            self._attempts.failed(visit.client)
            await answer.challenge(visit.wants_page)
        elif visit.bearer:
            await limited(self._app, visit.scope, receive, answer, MAX_BODY)
        else:
            await answer.welcome(COOKIE, self._session, visit.without_token(), visit.is_secure)


async def _form_token(receive: Receive) -> str:
    body, goes_on = b"", True
    while goes_on and len(body) <= MAX_FORM:
        message = await receive()
        body += message.get("body", b"")
        goes_on = message.get("more_body", False)
    return parse_qs(body[:MAX_FORM].decode("latin-1")).get("token", [""])[0]


def _same(offered: str, due: str) -> bool:
    return hmac.compare_digest(offered.encode(), due.encode())
