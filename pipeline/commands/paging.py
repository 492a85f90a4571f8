"""The page beside a line: its feed, and the process that serves it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.config import Config
from pipeline.feed import FeedPublisher
from pipeline.messages import Sink

PORT = 8080

PATIENCE_S = 5.0
"""So long the page may take to end."""

PortOption = Annotated[int, typer.Option(help="The port of the page.", min=1, max=65535)]


@contextmanager
def page(rig: Path, config: Config, sinks: list[Sink], port: int, console: Console) -> Iterator[None]:
    """Have the page of ``rig`` served by a child process, and add to ``sinks`` what feeds it."""
    modalities = {channel.topic: channel.modality for channel in config.channels}
    sinks.append(FeedPublisher(config.bus.feed, modalities, config.security))
    command = [sys.executable, "-m", "pipeline.commands", "monitor", str(rig), "--port", str(port)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    console.print(f"the page: http://127.0.0.1:{port}")
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
