"""What is looked at of a request before it is let in; nothing that a client says is trusted to be well formed."""

import ipaddress
from collections.abc import Collection, MutableMapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
"""Of ASGI."""


class Visit:
    """A request or a socket to be, by its ASGI scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.is_socket = scope["type"] == "websocket"
        self.method = scope.get("method", "GET")
        self.path = scope["path"]
        self.query = scope.get("query_string", b"").decode("latin-1")
        self.host = self._headers.get("host", "")
        self.client = (scope.get("client") or ("",))[0]
        self.is_secure = scope.get("scheme") in ("https", "wss")
        self.wants_page = "text/html" in self._headers.get("accept", "") and not self.is_socket

    @property
    def length(self) -> int:
        """Bytes of its body as it says itself, 0 if it does not."""
        said = self._headers.get("content-length", "")
        return int(said) if said.isdecimal() and len(said) < 20 else 0

    @property
    def is_odd(self) -> bool:
        """Whether its path wants to leave a folder, or has what no path of ours has."""
        return ".." in self.path.split("/") or any(letter < " " or letter == "\\" for letter in self.path)

    def is_for(self, names: Collection[str]) -> bool:
        """Say whether it is for this host: by a number, which nobody can point elsewhere, or one of ``names``."""
        with suppress(ValueError):
            name = (urlsplit(f"//{self.host}").hostname or "").lower()
            return name in names or bool(ipaddress.ip_address(name))
        return False

    @property
    def is_same_origin(self) -> bool:
        """Whether it comes from a page of ours, or from no page."""
        origin = self._headers.get("origin")
        with suppress(ValueError):
            return origin is None or urlsplit(origin).netloc == self.host != ""
        return False

    def cookie(self, name: str) -> str:
        """Return the cookie of that name, or nothing."""
        cookies: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            cookies.load(self._headers.get("cookie", ""))
        return str(cookies[name].value) if name in cookies else ""

    @property
    def bearer(self) -> str:
        """The token in its Authorization header."""
        scheme, _, token = self._headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def url_token(self) -> str:
        """The token in its address."""
        return parse_qs(self.query).get("token", [""])[0] if self.method == "GET" and not self.is_socket else ""

    def without_token(self) -> str:
        """Return where to go on, so that the token stays in no history."""
        if self.method != "GET":
            return "/"
        rest = {name: values for name, values in parse_qs(self.query).items() if name != "token"}
        path = "/" + quote(self.path.lstrip("/"))  # two slashes would be another host
        return path + (f"?{urlencode(rest, doseq=True)}" if rest else "")
