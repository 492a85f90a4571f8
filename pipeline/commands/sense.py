"""``rigbind sense RIG``: the drivers of one host, publishing to the rig's ingest."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic
from typing import Annotated, NoReturn

import typer

from pipeline.build import build, check
from pipeline.bus import Publisher
from pipeline.config import Channel, Config, load
from pipeline.errors import ConfigError, PipelineError
from pipeline.messages import NS, Sensor

log = logging.getLogger("rigbind.sense")

WAIT_S = 30.0
"""How long a sensor waits for the ingest before it starts all the same."""

LOOK_S, FIRST_RETRY_S, LAST_RETRY_S = 0.5, 1.0, 32.0
"""How often is looked whether a sensor has failed; how long one has lived at least, in seconds, before it is started
anew, at first and in the end."""

READY = b"ready\n"
HEAD_START = 3 * NS
"""Simulated sensors start together this long after the last process is ready, with their worlds built by then."""


class Sensing:
    """The sensor processes of a rig, by topic; they import meanwhile and sense from ``start`` on."""

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self.processes = {topic: _process(command) for topic, command in commands.items()}
        self._commands = commands
        self._start_ns = 0
        self._begun = dict.fromkeys(commands, monotonic())
        self._waits = dict.fromkeys(commands, FIRST_RETRY_S)

    def start(self) -> int:
        """Wait until all are ready, give them a common start and return it; one that failed has said why."""
        ready = [process for process in self.processes.values() if _is_ready(process)]
        self._start_ns = time.time_ns() + HEAD_START
        for process in ready:
            _give(process, self._start_ns)
        return self._start_ns

    async def keep(self) -> NoReturn:
        """Start those anew, for ever, that have failed."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.revive()

    def revive(self) -> None:
        """Start those anew that have failed, the same one ever more slowly; one that came to its end is left alone."""
        for topic, process in self.processes.items():
            lived_s = monotonic() - self._begun[topic]
            if not process.poll() or lived_s < self._waits[topic]:
                continue
            wait_s = FIRST_RETRY_S if lived_s > LAST_RETRY_S else min(2 * self._waits[topic], LAST_RETRY_S)
            log.warning("%s: its sensor has ended (%s) and is started anew", topic, _end_of(process))
            process.communicate()
            self.processes[topic] = _process(self._commands[topic])
            _give(self.processes[topic], self._start_ns)
            self._begun[topic], self._waits[topic] = monotonic(), wait_s

    def stop(self) -> None:
        """End them all."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.communicate()


def _process(command: Sequence[str]) -> Popen[bytes]:
    """Start a sensor, which Ctrl-C in the terminal does not reach: that is for the line, which stops it in turn."""
    return Popen(command, stdin=PIPE, stdout=PIPE, start_new_session=True)


def _is_ready(process: Popen[bytes]) -> bool:
    """Wait until it says so, or has failed."""
    return process.stdout is not None and process.stdout.readline() == READY


def _give(process: Popen[bytes], start_ns: int) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has failed meanwhile
        process.stdin.write(b"%d\n" % start_ns)
        process.stdin.flush()


def _end_of(process: Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {-code}" if code < 0 else f"exit code {code}"


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
    sensors = Sensing({channel.topic: [*command, channel.topic] for channel in config.channels if channel.sensor})
    try:
        yield sensors
    finally:
        sensors.stop()


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
