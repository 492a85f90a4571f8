"""The page beside a line: its feed, and the process that serves it."""

import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace
from rich.console import Console

from pipeline.config import Config, Recording
from pipeline.feed import FeedPublisher
from pipeline.messages import Event

PORT = 8080

PATIENCE_S = 5.0
"""So long the page may take to end."""

PortOption = Annotated[int, typer.Option(help="The port of the page.", min=1, max=65535)]


@contextmanager
def page(
    config: Config,
    port: int,
    console: Console,
    options: Sequence[str] = (),
    told: Iterable[Event] = (),
    record: Path | None = None,
) -> Iterator[FeedPublisher]:
    """Have the page of the rig served by a child process, with ``options`` of ``rigbind monitor``; yield its feed.

    The page knows the events that were ``told`` before, and that the run is recorded to ``record``.
    """
    feed = feed_of(config)
    with TemporaryDirectory(prefix="rigbind-") as folder:
        rig, events = Path(folder) / "rig.json", Path(folder) / "events.jsonl"
        rig.write_bytes(msgspec.json.encode(_shown(config, record)))
        events.write_bytes(msgspec.json.Encoder().encode_lines(told))
        command = [sys.executable, "-m", "pipeline.commands", "monitor", str(rig), "--port", str(port)]
        command += ["--events", str(events), *options]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        console.print(f"the page: http://127.0.0.1:{port}")
        try:
            yield feed
        finally:
            if child.poll() is not None:
                console.print(f"the page had ended by itself, with exit code {child.returncode}")
            child.terminate()
            try:
                child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def feed_of(config: Config) -> FeedPublisher:
    """Return what a line shows itself by. Raise PipelineError where its address cannot be had."""
    modalities = {channel.topic: channel.modality for channel in config.channels}
    return FeedPublisher(config.bus.feed, modalities, config.security)


def apart(config: Config) -> Config:
    """Return the rig with addresses on this host that nobody has, so that its replay can be shown beside it."""
    feed, control = (f"tcp://127.0.0.1:{_free_port()}" for _ in range(2))
    return replace(config, bus=replace(config.bus, feed=feed, control=control))


def _shown(config: Config, record: Path | None) -> Config:
    """Return what a page needs to know of a rig: its parts may be of another host."""
    return Config(
        rig=config.rig,
        bus=config.bus,
        window=config.window,
        channels=[replace(channel, sensor=None) for channel in config.channels],
        security=config.security,
        record=Recording(path=str(record.absolute()) if record else ""),
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
