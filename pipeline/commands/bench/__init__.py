"""``rigbind bench``: what the line costs on this machine, beside baselines measured in the same run."""

import typer

from pipeline.commands.bench.bus import bus
from pipeline.commands.bench.encoders import encoders
from pipeline.commands.bench.monitor import monitor
from pipeline.commands.bench.operators import operators
from pipeline.commands.bench.overhead import overhead
from pipeline.commands.bench.record import record
from pipeline.commands.bench.replay import replay
from pipeline.commands.bench.search import search
from pipeline.commands.bench.sync import sync

bench = typer.Typer(help="Measure the line on this machine.", no_args_is_help=True)
for command in (overhead, bus, sync, encoders, operators, record, replay, search, monitor):
    bench.command()(command)
