"""Events as sentences in Python's log."""

import logging

from pipeline.messages import NS, Event

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


class Log:
    """Logs what opens and closes to ``logger``, at the level of its severity; ``updates`` too if asked for.

    A logger that has no level of its own gets one that lets all of it through.
    """

    def __init__(self, logger: str = "rigbind.events", updates: bool = False) -> None:
        self.logger = logger
        self.updates = updates
        self._log = logging.getLogger(logger)
        if self._log.level == logging.NOTSET:
            self._log.setLevel(logging.INFO)

    def write(self, event: Event) -> None:
        """Log ``event``."""
        if event.phase != "updated" or self.updates:
            lasted_s = (event.end - event.start) / NS
            said = "%s %s: %r for %.1f s, score %.2f, by %s"
            self._log.log(
                LEVELS[event.severity], said, event.id, event.phase, event.label, lasted_s, event.score, event.source
            )

    def close(self) -> None:
        """Nothing is held."""
