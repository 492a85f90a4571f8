"""``rigbind sense RIG``: the drivers of one host, publishing to the rig's ingest."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from sys import executable
from typing import Annotated

import psutil
import typer

from pipeline.build import build
from pipeline.bus import Publisher
from pipeline.config import Channel, Config, load
from pipeline.errors import ConfigError, PipelineError
from pipeline.messages import Sensor

log = logging.getLogger("rigbind.sense")

WAIT_S = 30.0
"""How long a sensor waits for the ingest before it starts all the same."""


def sense(
    rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")],
    topic: Annotated[list[str] | None, typer.Option(help="Only this channel; may be repeated.")] = None,
    start_ns: Annotated[int, typer.Option(help="Common start of simulated sensors, ns since the epoch.")] = 0,
    owner: Annotated[int, typer.Option(help="Stop when the process of this number is gone.")] = 0,
) -> None:
    """Run the rig's sensors, or some of them, and publish what they sense until they end or Ctrl-C."""
    config = load(rig)
    channels = [channel for channel in config.channels if channel.sensor is not None]
    if unknown := set(topic or ()) - {channel.topic for channel in channels}:
        raise ConfigError([f"{rig}: no channel with a sensor has the topic {', '.join(sorted(unknown))}"])
    chosen = [channel for channel in channels if not topic or channel.topic in topic]
    if not chosen:
        raise ConfigError([f"{rig}: no channel has a sensor"])
    failures: list[str] = []
    threads = [
        threading.Thread(target=_publish, args=(config, channel, start_ns, failures), daemon=True) for channel in chosen
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(1.0)
        if owner and not psutil.pid_exists(owner):
            return
    if failures:
        raise PipelineError("\n".join(failures))


@contextmanager
def sensing(rig: Path, config: Config, start_ns: int = 0) -> Iterator[dict[str, Popen[bytes]]]:
    """Run one process per channel that has a sensor, as long as the context lasts; yield them by topic."""
    options = ["--start-ns", str(start_ns), "--owner", str(os.getpid())]
    processes = {
        channel.topic: Popen(
            [executable, "-m", "pipeline.commands", "sense", str(rig), "--topic", channel.topic, *options],
            start_new_session=True,  # Ctrl-C in the terminal is for the line, which stops them in turn
        )
        for channel in config.channels
        if channel.sensor is not None
    }
    try:
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


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
