"""Any log as an MCAP file of our own: written beside its name, and given it when it is whole."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import Config
from pipeline.errors import LogError
from pipeline.logs.log import Log
from pipeline.logs.writer import LogWriter
from pipeline.messages import Event, Received

FLUSH_BYTES = 16 << 20
"""So much is held before it goes to the operating system."""


@contextmanager
def anew(out: Path, resume: bool = False) -> Iterator[Path]:
    """Yield where to write what becomes ``out`` when all went well, and else is gone; with ``resume`` it stays.

    Raise LogError if there is a file already, or none can be written.
    """
    if out.exists():
        raise LogError(f"{out}: nothing can be written there: there is a file already, and none is written over")
    part = out.with_name(out.name + ".part")
    try:
        if not resume:
            part.unlink(missing_ok=True)  # of one that was killed
        yield part
        part.rename(out)
    except OSError as error:
        raise LogError(f"{out}: nothing can be written there: {error.strerror}") from error
    finally:
        if not resume:
            part.unlink(missing_ok=True)


def transfer(
    log: Log,
    config: Config,
    path: Path,
    events: Iterable[Event] = (),
    seen: Callable[[Received], None] = lambda received: None,
) -> LogError | None:
    """Write the samples of the rig ``config``, and then ``events``, to ``path``, where an unfinished file goes on.

    Return the error at which the log ends early, after all that is whole; ``seen`` is told of every sample.
    """
    writer, held, damage = LogWriter(path, config, resume=True), 0, None
    try:
        try:
            for received in log.samples(config.channels):
                writer.sample(received)
                held += received.sample.data.nbytes
                if held > FLUSH_BYTES:
                    writer.flush()
                    held = 0
                seen(received)
        except LogError as error:
            damage = error
        for event in events:
            writer.row(event, event.end)
        writer.finish({})
    except BaseException:
        writer.leave()
        raise
    return damage
