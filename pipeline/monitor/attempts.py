"""Wrong tokens by client, so that none can be guessed by trying."""

from collections import OrderedDict
from collections.abc import Callable

FAILURES = 10
"""So many wrong ones of a client are compared; then it waits BLOCK_S, from its first."""

BLOCK_S = 60.0

CLIENTS = 1024
"""So many clients are remembered; those beyond them are told apart no more, and wait together."""


class Attempts:
    """Counts failures; remembers no more than CLIENTS clients.

    >>> clock = iter([0.0] * 11 + [20.0, 61.0])
    >>> attempts = Attempts(lambda: next(clock))
    >>> for _ in range(11): attempts.failed("10.0.0.9")
    >>> attempts.wait("10.0.0.9"), attempts.wait("10.0.0.9")
    (40.0, 0.0)
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()  # when the first was, and how many

    def failed(self, client: str) -> None:
        """Note a wrong token of ``client``."""
        now = self._now()
        self._forget(now)
        client = self._known_as(client)
        since, number = self._failures.get(client, (now, 0))
        self._failures[client] = (since, number + 1)

    def wait(self, client: str) -> float:
        """Return for how many seconds ``client`` is not heard."""
        now = self._now()
        self._forget(now)
        since, number = self._failures.get(self._known_as(client), (now, 0))
        return since + BLOCK_S - now if number >= FAILURES else 0.0

    def _known_as(self, client: str) -> str:
        return client if client in self._failures or len(self._failures) < CLIENTS else ""

    def _forget(self, now: float) -> None:
        while self._failures and now - next(iter(self._failures.values()))[0] >= BLOCK_S:
            self._failures.popitem(last=False)
