"""What can go wrong, one class per thing a caller can act on.

PipelineError
├── ConfigError     a rig file says what cannot be done
├── WireError       frames that are no sample; ``cause`` is the ledger's word for it
├── LogError        a file that is no log, or ends in the middle
├── SecurityError   keys that are missing, or an address that would be open to all
├── EngineError     encoders that cannot be started
├── SearchError     no index, or a query that it cannot be asked
├── ControlError    a line that does not answer
└── InputError      a file or a value that a command was given and cannot use
"""

from collections.abc import Sequence


class PipelineError(Exception):
    """Base of all errors that rigbind raises on purpose; its text is a full sentence for the user."""


class ConfigError(PipelineError):
    """A rig file says what cannot be done; ``mistakes`` names each with its place."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class WireError(PipelineError):
    """Frames that are no sample."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause


class LogError(PipelineError):
    """A file that is no log, or ends in the middle."""


class SecurityError(PipelineError):
    """Keys that are missing, or an address that would be open to all."""


class EngineError(PipelineError):
    """Encoders that cannot be started."""


class ControlError(PipelineError):
    """A line that does not answer, or not as lines do."""


class InputError(PipelineError):
    """A file or a value that a command was given and cannot use."""


class SearchError(PipelineError):
    """No index, one of another model, or a query that cannot be asked."""
