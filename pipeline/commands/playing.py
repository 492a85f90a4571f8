"""A recorded log as a line sees it: its rig, its steps in order, and one pass of them through the line."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from pipeline.commands.assembly import load_checked
from pipeline.config import Config, Model, Part
from pipeline.engine import WARM_UP_S
from pipeline.errors import InputError, LogError
from pipeline.line import Line, Step
from pipeline.logs import Log, Recorded, is_recorded
from pipeline.logs.columns import Columns
from pipeline.logs.rows import Tick, WindowRow
from pipeline.messages import FOREVER, NS, Observation
from pipeline.run import paced
from pipeline.run import run as run_line
from pipeline.transport import Transport


class Playing:
    """The recordings at ``paths``, read as one. A run that rigbind recorded is repeated with its own rig.

    Otherwise the rig is ``config``, or that which the log tells of, with the detector of anomalies; ``model`` is a
    preset to have in place of the rig's. Raise LogError for what is no log, ConfigError for what is no rig.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        config: Path | None = None,
        model: str = "",
        columns: Sequence[Columns] = (),
        align: bool = False,
    ) -> None:
        is_run = config is None and len(paths) == 1 and is_recorded(paths[0])
        self.run = Recorded(paths[0]) if is_run else None
        self.log = Log(*paths, columns=columns, align=align)
        rig = as_recorded(self.run) if self.run else load_checked(config) if config else rig_of(self.log)
        self.rig = replace(rig, model=replace(rig.model, preset=model, encoders={})) if model else rig

    @property
    def start(self) -> int:
        """Log time of the first message."""
        return self.log.start

    @property
    def end(self) -> int:
        """One nanosecond after the last message."""
        return self.log.end

    def recorded(self) -> Mapping[int, WindowRow] | None:
        """Return the windows of a run that is repeated, by their end."""
        return {row.end: row for row in self.run.closings()} if self.run else None

    def steps(self, start: int = 0, end: int = FOREVER) -> Iterator[Step]:
        """Yield what moves the line, logged in ``[start, end)``."""
        if self.run is None:
            yield from self.log.samples(self.rig.channels, start, end)
            return
        for step in self.run.steps():
            if start <= _time(step) < end:
                yield step

    def at(self, text: str) -> int:
        """Return the log time that ``text`` names: seconds, or minutes and seconds, after the log's start.

        After an ``@`` they are seconds since the epoch. Raise InputError for what is no time.
        """
        try:
            if text.startswith("@"):
                return max(0, round(Decimal(text[1:]) * NS))
            return self.start + round(_seconds(text) * NS)
        except (ValueError, ArithmeticError):
            raise InputError(
                f"{text!r} is no time in a log: write seconds after its start, or 1:02.5, or @ and those since 1970"
            ) from None


async def play(line: Line, playing: Playing, transport: Transport) -> AsyncIterator[Observation]:
    """Yield the observations of one pass, as ``transport`` lets them through."""
    steps = playing.steps(transport.begin(), transport.end)
    async for observation in run_line(paced(steps, line, None, transport), line):
        yield observation
        await transport.shown()


def as_recorded(run: Recorded) -> Config:
    """Return the rig of a recorded run, with its encoders in this process, and nobody told of its events."""
    config = run.config
    return replace(config, model=replace(config.model, engine="local", deadline_s=WARM_UP_S), sinks=[])


def rig_of(log: Log) -> Config:
    """Return the rig that a log tells of: every channel it can name, and the detector of anomalies."""
    channels = log.channels()
    if not channels:
        raise LogError(f"{log.path}: none of its topics can be read as a sensor; `rigbind info {log.path}` says why")
    return Config(channels=channels, model=Model(engine="local"), operators=[Part("operators.anomaly:Anomaly")])


def _time(step: Step) -> int:
    return step.now if isinstance(step, Tick) else step.received


def _seconds(text: str) -> float:
    """Return seconds.

    >>> _seconds("12.5"), _seconds("1:02.5"), _seconds("1:00:00")
    (12.5, 62.5, 3600.0)
    """
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    if not 0 <= seconds < 1e9:
        raise ValueError(text)
    return seconds
