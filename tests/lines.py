"""A line with one IMU and a tagger, whose encoder says how much of it there is."""

import asyncio
from collections.abc import Iterator, Sequence

from fakes import Counting, Kept
from makers import IMU

from operators.fusion import CrossAttention
from operators.tagging import Tagger
from pipeline.config import Config
from pipeline.engine import Engine, Local
from pipeline.line import Line, Step
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import Recorder
from pipeline.messages import Encoder, Event, Example, Observation
from pipeline.run import paced, run

DIM = 64
CONFIG = Config(channels=[IMU])
THIS = Example(modality="imu", vector=(1.0, 0.2, *[0.0] * (DIM - 2)), name="what the IMU means")


class Forgetful:
    """An operator that sees nothing and remembers nothing."""

    def __call__(self, observation: Observation) -> Iterator[Event]:
        yield from ()

    def finish(self) -> Iterator[Event]:
        """Nothing is open."""
        yield from ()


def line_of(recorder: Recorder | None = None, recorded: Recorded | None = None) -> Line:
    """The line; ``recorded`` is the run that it is to repeat."""
    encoders: dict[str, Encoder] = {"imu": Counting("imu", DIM)}
    engine = Engine(encoders, Local(encoders), 60.0)
    text = {"use": "fakes:Words", "params": {"dim": DIM}}
    tagger = Tagger({"fire": ["a fire"]}, text=text, encoders={}, least=1, threshold=0.5)
    rows = {row.end: row for row in recorded.closings()} if recorded else None
    return Line(CONFIG, engine, CrossAttention(), [Forgetful(), tagger], [Kept()], recorder, rows, "counting")


def moved(line: Line, steps: Sequence[Step]) -> list[Event]:
    """Let the steps pass, and return what happened."""

    async def go() -> None:
        await line.engine.start(CONFIG.channels)
        async for _ in run(paced(steps, line, None), line):
            pass
        await line.close()

    asyncio.run(go())
    return next(sink.events for sink in line.sinks if isinstance(sink, Kept))
