"""What a run says when it has ended: of strangers, clocks and lags, and what a replay of it must come to."""

from collections.abc import Iterator

from rich.console import Console

from operators.alignment import Alignment
from pipeline.bus import UNKNOWN
from pipeline.clock import ClockReport
from pipeline.line import Line
from pipeline.sinks.letters import Telling


def tell(console: Console, line: Line) -> None:
    """Print all of it."""
    for sentence in (
        *strangers(line),
        *clocks(line),
        *offsets(line),
        *digests(line),
        *recording(line),
        *deliveries(line),
    ):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def strangers(line: Line) -> Iterator[str]:
    """Yield what came from senders that the rig does not know, or did not believe."""
    for detail, number in line.ledger.details(UNKNOWN).items():
        yield f"{UNKNOWN}: {number} {detail}"


def clocks(line: Line) -> Iterator[str]:
    """Yield a sentence for each stream whose stamps are not good as they come."""
    for channel in line.config.channels:
        report = line.clock.report(channel.topic)
        if report.faults or report.method == "receipt":
            yield f"{channel.topic}: {of_clock(report)}"


def of_clock(report: ClockReport) -> str:
    """Say what was found of one clock, and how.

    >>> of_clock(ClockReport(method="one-way", offset_ns=250_000_000, skew_ppm=-40.4, uncertainty_ns=200_000_000))
    'clock by one-way: stamps +250.0 ms ± 200.0 ms, skew -40 ppm'
    """
    added = f"stamps {report.offset_ns / 1e6:+.1f} ms ± {report.uncertainty_ns / 1e6:.1f} ms"
    faults = f"; {', '.join(report.faults)}" if report.faults else ""
    return f"clock by {report.method}: {added}, skew {report.skew_ppm:+.0f} ppm{faults}"


def offsets(line: Line) -> Iterator[str]:
    """Yield what the contents of the streams tell of their times, where an operator compares them."""
    for operator in line.operators:
        if isinstance(operator, Alignment):
            yield from map(str, operator.offsets())


def digests(line: Line) -> Iterator[str]:
    """Yield what a replay of this run must come to."""
    for name, digest in line.digest.hex().items():
        yield f"{name:<10} sha256 {digest}"


def recording(line: Line) -> Iterator[str]:
    """Yield what became of the recording, if there is one."""
    if line.recorder:
        left_out = ", ".join(f"{topic} {number}" for topic, number in line.recorder.dropped.items())
        yield line.recorder.error or f"recorded into {line.recorder.path}" + (left_out and f"; left out: {left_out}")


def deliveries(line: Line) -> Iterator[str]:
    """Yield what became of the events that were sent somewhere."""
    for sink in line.sinks:
        if isinstance(sink, Telling) and (told := sink.told()):
            yield told
