"""``rigbind record RIG``: a black box. Sensors go to a recording, and nothing is made of them."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.bus import Subscriber
from pipeline.commands.console import make_console
from pipeline.commands.recording import PathOption, QuotaOption, SegmentMbOption, SegmentSOption, path_of, recording
from pipeline.commands.run import stop_when_asked
from pipeline.commands.sense import sensing
from pipeline.config import Config, load
from pipeline.errors import InputError, PipelineError
from pipeline.ledger import Ledger
from pipeline.logs.recorder import Recorder
from pipeline.messages import NS, Received


def record(
    rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")],
    path: PathOption = None,
    seconds: Annotated[float, typer.Option(help="Stop after this long; 0 records until Ctrl-C.")] = 0.0,
    sensors: Annotated[bool, typer.Option(help="Run the rig's sensors too, each in its own process.")] = True,
    segment_s: SegmentSOption = None,
    segment_mb: SegmentMbOption = None,
    quota_gb: QuotaOption = None,
) -> None:
    """Record what a rig senses, without encoders; `rigbind replay` makes of it what `run` would have."""
    config = recording(load(rig), path, segment_s, segment_mb, quota_gb)
    out, console, ledger = path_of(config), make_console(), Ledger()
    if out is None:
        raise InputError(f"{rig}: there is no place to record to: give --record, or record.path in the rig file")
    if config.record.mode == "events":
        raise InputError(f'{rig}: record.mode "events" needs `rigbind run`: here nobody looks for any')
    recorder = Recorder(out, config)
    try:
        asyncio.run(_record(rig, config, seconds, sensors, recorder, ledger))
    finally:
        recorder.close({})
    _tell(console, recorder, ledger)


async def _record(rig: Path, config: Config, seconds: float, sensors: bool, recorder: Recorder, ledger: Ledger) -> None:
    with ExitStack() as stack:
        subscriber = Subscriber(config.bus, config.channels, ledger, config.security)
        stack.callback(subscriber.close)
        rig_sensors = stack.enter_context(sensing(rig, config)) if sensors else None
        start_ns = rig_sensors.start() if rig_sensors else time.time_ns()
        if rig_sensors:
            stack.callback(asyncio.create_task(rig_sensors.keep()).cancel)
        stop_when_asked(subscriber, (start_ns - time.time_ns()) / NS + seconds if seconds else 0.0)
        async for batch in subscriber.arrivals():
            for step in batch:
                recorder.sample(step) if isinstance(step, Received) else recorder.exchange(step)
            if recorder.error:
                return


def _tell(console: Console, recorder: Recorder, ledger: Ledger) -> None:
    """Print what came and what is missing. Raise PipelineError where the recording broke off."""
    for topic, counts in ledger.rows().items():
        told = ", ".join(f"{name} {number}" for name, number in counts.items() if number)
        left_out = recorder.dropped.get(topic, 0)
        console.print(f"{topic}: {told}" + (f", left out {left_out}" if left_out else ""), highlight=False)
    if recorder.error:
        raise PipelineError(recorder.error)
    console.print(f"recorded into {recorder.path}", highlight=False, soft_wrap=True)
