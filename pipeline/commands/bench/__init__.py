"""``rigbind bench``: what the line costs on this machine, beside baselines measured in the same run."""

import typer

from pipeline.commands.lazy import lazily

BENCHES = {
    "overhead": "Encode the same window directly, by the local engine and by Ray Serve, in turn.",
    "bus": "Watch a 30 Hz 640×480 source with a 10 Hz consumer, then time messages; CURVE and clear in turn.",
    "sync": "Push five topics at 30, 9, 15, 200 and 50 Hz through the synchronizer and through the baseline, in turn.",
    "encoders": "Time every tower in float32 and bfloat16 and a plain build of it, in turn; random inputs.",
    "operators": "Let windows of a place that changes pass the demo's operators; processor time of all threads.",
    "record": "Write 720p frames as fast as it goes, then 30 a second beside a waking thread and the whole live line.",
    "replay": "Read a recording as samples, and as bare messages with ``mcap``; then replay it with a model.",
    "search": "Fill an index with a rig's windows, which stay with one thing for a while, and ask for what it saw.",
    "monitor": "Feed a page as a rig of five senses does: with nobody, one browser, and a hundred readers, in turn.",
}
"""What each measures, as its own help begins."""

bench = typer.Typer(cls=lazily("pipeline.commands.bench", BENCHES), no_args_is_help=True, add_completion=False)


@bench.callback()
def _bench() -> None:
    """Measure the line on this machine."""
