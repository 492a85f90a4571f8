"""The windows of a recording: what was received, corrected and let in as on the line, and cut as somebody asks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.clock import Clock
from pipeline.config import Channel, Windowing
from pipeline.errors import LogError
from pipeline.exchange import Exchange
from pipeline.gate import refusal
from pipeline.ledger import Ledger
from pipeline.logs import Log, Recorded, is_recorded
from pipeline.messages import Received, Sample, Window
from pipeline.sync import Synchronizer


def channels_of(path: Path) -> list[Channel]:
    """Return the channels that a log tells of; of our own recordings those of the rig. Raise LogError for no log."""
    if is_recorded(path):
        return Recorded(path).config.channels
    with Log(path) as log:
        return log.channels()


def windows_of(path: Path, channels: Sequence[Channel], windowing: Windowing, ledger: Ledger) -> Iterator[Window]:
    """Yield the windows of ``channels``; what was not let in is booked in ``ledger`` by topic and detail.

    Raise LogError for no log; of one that is cut, after the windows of all that is whole.
    """
    clock, synchronizer, damage = Clock(channels), Synchronizer(windowing, channels, ledger), None
    of = {channel.topic: channel for channel in channels}
    try:
        for step in _steps(path, channels, ledger):
            if isinstance(step, Exchange):
                for topic in of:
                    clock.exchange(topic, step.session, step.t1, step.t2, step.t3, step.t4)
            elif step.sample.topic in of and (sample := _let_in(step, clock, of, ledger)) is not None:
                yield from synchronizer.push(sample)
    except LogError as error:
        damage = error
    yield from synchronizer.finish()
    if damage is not None:
        raise damage


def _let_in(received: Received, clock: Clock, of: Mapping[str, Channel], ledger: Ledger) -> Sample | None:
    channel, sample = of[received.sample.topic], clock.correct(received)
    if isinstance(sample, str):
        why: str | None = sample
    else:
        why = refusal(sample, channel.modality, channel.calibration.shape)
    if isinstance(sample, str) or why is not None:
        ledger.count(channel.topic, "rejected", detail=why or "")
        return None
    return sample


def _steps(path: Path, channels: Sequence[Channel], ledger: Ledger) -> Iterator[Received | Exchange]:
    """Yield what moves the clocks and the streams; when deadlines passed live is nothing to learn from."""
    if is_recorded(path):
        yield from (step for step in Recorded(path).steps() if isinstance(step, Received | Exchange))
        return
    with Log(path) as log:
        yield from log.samples(channels)
        for (topic, cause), number in log.rejected.items():
            ledger.count(topic, "rejected", number, detail=cause)
