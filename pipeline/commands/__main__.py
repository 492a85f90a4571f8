"""The command ``rigbind``, also as ``python -m pipeline.commands``."""

import logging
import os
import sys

import typer

from pipeline.commands.lazy import lazily
from pipeline.errors import PipelineError

COMMANDS = {
    "demo": "Run the simulated rig through the whole line and compare the events with the truth.",
    "run": "Run one rig's line: samples from its address, windows, embeddings, events.",
    "sense": "Run the rig's sensors, or some of them, and publish what they sense until they end or Ctrl-C.",
    "monitor": "Serve the page of a line that runs, or will: pictures, anomalies, tags, timeline, search, labels.",
    "record": "Record what a rig senses, without encoders; `rigbind replay` makes of it what `run` would have.",
    "recover": "Write all that is whole in a broken MCAP file to a new one, and say what is lost, and where.",
    "label": "Change what a running line looks for.",
    "explain": "Draw what was seen, heard and felt of an event, what spoke for it, and what it was compared with.",
    "replay": "Replay a recorded log through the line and print its windows and events.",
    "import": "Write what a line would get of a recording to a new MCAP file, which replays as the recording does.",
    "diff": "Replay one log twice, and say which windows and events are in both, and how alike the embeddings are.",
    "index": "Index recordings by window, pictures and sounds by file; what is there already is left out.",
    "search": "Find moments in an index by any sense, and print the command that replays each.",
    "info": "Print a log's topics: type, count, rate, gaps, and what each is read as or why it is skipped.",
    "check": "Say all that is wrong with a rig file, each mistake with its place. Exit code 2 if there is any.",
    "keys": "Make the keys of the ingest and of one sensor host. Existing ones are kept.",
    "embed": "Embed things of any sense and print how alike they are: the cosine of every pair.",
    "weights": "Look into checkpoints, convert them, make those of mini.",
    "bench": "Measure the line on this machine.",
    "eval": "Test a model on the recordings of a set, by the set's own protocol.",
    "bind": "Teach a sense's encoder to say what the anchor says; what was stopped goes on where it was.",
}
"""What each does, as its own help begins."""

app = typer.Typer(
    cls=lazily("pipeline.commands", COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def rigbind() -> None:
    """Bind a rig's sensors into one embedding space, live."""


def main() -> None:
    """Run one command. Exit 2 with a sentence for what a user can mend, 130 after Ctrl-C."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's products are small: threads spend more than they save
    sys.path.insert(0, "")  # a rig's own parts may lie where it is run
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        app()
    except PipelineError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
