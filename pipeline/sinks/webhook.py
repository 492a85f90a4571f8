"""Events as HTTP POST requests."""

import http.client
from collections.abc import Mapping
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipeline.config import Security
from pipeline.errors import SecurityError
from pipeline.messages import Event
from pipeline.security import is_private
from pipeline.sinks.courier import Courier, RefusedError
from pipeline.sinks.letters import json_of, key_of

LATER = (408, 425, 429)
"""Answers that ask for another try, beside those from 500 on (RFC 9110, section 15; RFC 6585; RFC 8470)."""


class _Stay(HTTPRedirectHandler):
    """Follows no answer that names another address: urllib would GET it, without the event."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing, so that the answer itself is what is heard."""


_open = build_opener(_Stay).open


class Webhook:
    """POSTs each event as JSON to ``url``, and again until it is answered with 2xx, in order.

    The header ``Idempotency-Key`` is the same for the same news: who gets one twice, because an answer was lost or the
    line was killed, knows it by that. After an answer of 3xx or 4xx the event is dropped and counted.
    ``headers`` are sent along; ``attachments`` sends pictures and sounds too, in base64.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000/events",
        timeout_s: float = 5.0,
        queue: int = 1000,
        attachments: bool = False,
        headers: Mapping[str, str] = {},
        security: Security | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url {url!r} is not of the form http://host/path")
        if not timeout_s > 0 or queue < 1:
            raise ValueError(f"timeout_s {timeout_s:g} and queue {queue} must be above 0")
        if parts.scheme == "http" and not (
            is_private(f"tcp://{parts.hostname}:80") or (security and security.insecure)
        ):
            raise SecurityError(
                f"{url}: events would go over the network in the clear: use https, or say security.insecure = true"
            )
        self.url = url
        self.timeout_s = timeout_s
        self.queue = queue
        self.attachments = attachments
        self.headers = headers
        self.security = security
        self.name = f"webhook {url}"
        self._courier = Courier(self._post, queue)

    @property
    def acknowledged(self) -> int:
        """How many of the events written, in their order, arrived or were given up."""
        return self._courier.acknowledged

    def holds(self, event: Event) -> bool:
        """Nobody can say; the other side knows it by its key."""
        return False

    def write(self, event: Event) -> None:
        """Queue ``event``."""
        self._courier.write(event)

    def told(self) -> str:
        """Say in words what became of the events."""
        return f"{self.name}: {self._courier.told()}"

    def close(self) -> None:
        """Send what is waiting, for some seconds at most."""
        self._courier.close()

    def _post(self, event: Event) -> None:
        own = {"Content-Type": "application/json", "Idempotency-Key": quote(key_of(event), safe="/@.:")}
        request = Request(self.url, json_of(event, self.attachments), {**self.headers, **own}, method="POST")
        try:
            _open(request, timeout=self.timeout_s).close()
        except HTTPError as error:
            error.close()
            if 300 <= error.code < 500 and error.code not in LATER:
                raise RefusedError(f"{self.url} answered {error.code} {error.reason}") from None
            raise OSError(f"{self.url} answered {error.code} {error.reason}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"{self.url}: {error}") from error
