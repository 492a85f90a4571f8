"""``rigbind sense RIG``: the drivers of one host, publishing to the rig's ingest."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Annotated

import typer

from pipeline.build import build, check
from pipeline.bus import Publisher
from pipeline.config import Channel, Config, load
from pipeline.errors import ConfigError, PipelineError
from pipeline.messages import NS, Sensor

log = logging.getLogger("rigbind.sense")

WAIT_S = 30.0
"""How long a sensor waits for the ingest before it starts all the same."""

READY = b"ready\n"
HEAD_START = 3 * NS
"""Simulated sensors start together this long after the last process is ready, with their worlds built by then."""


class Sensing:
    """The sensor processes of a rig, by topic; they import meanwhile and sense from ``start`` on."""

    def __init__(self, processes: dict[str, Popen[bytes]]) -> None:
        self.processes = processes

    def start(self) -> int:
        """Wait until all are ready, give them a common start and return it; one that failed has said why."""
        pipes = [(process.stdin, process.stdout) for process in self.processes.values()]
        ready = [stdin for stdin, stdout in pipes if stdin and stdout and stdout.readline() == READY]
        start_ns = time.time_ns() + HEAD_START
        for stdin in ready:
            stdin.write(b"%d\n" % start_ns)
            stdin.flush()
        return start_ns


def sense(
    rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")],
    topic: Annotated[list[str] | None, typer.Option(help="Only this channel; may be repeated.")] = None,
    start_ns: Annotated[int, typer.Option(help="Common start of simulated sensors, ns since the epoch.")] = 0,
    owned: Annotated[bool, typer.Option(help="Say ready, read the start from standard input, end with it.")] = False,
) -> None:
    """Run the rig's sensors, or some of them, and publish what they sense until they end or Ctrl-C."""
    config = load(rig)
    chosen = _choose(rig, config, topic or [])
    owner_is_gone = threading.Event()
    if owned:
        start_ns = _start_of_owner(owner_is_gone)
    failures: list[str] = []
    threads = [
        threading.Thread(target=_publish, args=(config, channel, start_ns, failures), daemon=True) for channel in chosen
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not owner_is_gone.wait(0.5):
        pass
    if failures:
        raise PipelineError("\n".join(failures))


@contextmanager
def sensing(rig: Path, config: Config) -> Iterator[Sensing]:
    """Run one process per channel that has a sensor, as long as the context lasts."""
    command = [sys.executable, "-m", "pipeline.commands", "sense", str(rig), "--owned", "--topic"]
    processes = {
        channel.topic: Popen(
            [*command, channel.topic],
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for the line, which stops them in turn
        )
        for channel in config.channels
        if channel.sensor is not None
    }
    try:
        yield Sensing(processes)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.communicate()


def _choose(rig: Path, config: Config, topics: list[str]) -> list[Channel]:
    """Return the channels to sense. Raise ConfigError if there is none, or a sensor cannot be built."""
    channels = [channel for channel in config.channels if channel.sensor is not None]
    if unknown := set(topics) - {channel.topic for channel in channels}:
        raise ConfigError([f"{rig}: no channel with a sensor has the topic {', '.join(sorted(unknown))}"])
    if not channels:
        raise ConfigError([f"{rig}: no channel has a sensor"])
    chosen = [channel for channel in channels if not topics or channel.topic in topics]
    mistakes = [
        mistake for channel in chosen if channel.sensor for mistake in check(channel.sensor, f"{channel.topic}: sensor")
    ]
    if mistakes:
        raise ConfigError([f"{rig}: {mistake}" for mistake in mistakes])
    return chosen


def _start_of_owner(gone: threading.Event) -> int:
    """Tell the owner that all is imported, and return the start that it gives; ``gone`` is set when it has ended."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    start_ns = int(sys.stdin.readline() or 0)

    def watch() -> None:
        sys.stdin.read()
        gone.set()

    threading.Thread(target=watch, daemon=True).start()
    return start_ns


def _publish(config: Config, channel: Channel, start_ns: int, failures: list[str]) -> None:
    assert channel.sensor is not None
    given = {"topic": channel.topic, "rate_hz": channel.rate_hz, "start_ns": start_ns}
    if channel.calibration.sample_rate_hz:
        given["sample_rate_hz"] = channel.calibration.sample_rate_hz
    try:
        sensor: Sensor = build(channel.sensor, f"{channel.topic}: sensor", **given)
        publisher = Publisher(config.bus.address, config.security)
    except PipelineError as error:
        failures.append(str(error))
        return
    try:
        if not publisher.wait(WAIT_S):
            log.warning("%s: nobody listens at %s; starting all the same", channel.topic, config.bus.address)
        for sample in sensor:
            publisher.publish(sample, channel.codec)
    except (PipelineError, OSError, ValueError) as error:
        failures.append(f"{channel.topic}: {error}")
    finally:
        publisher.close()
