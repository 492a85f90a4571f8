"""Where events go. What needs a network has a module of its own here, and a thread: the line never waits for it."""

from pipeline.sinks.jsonl import JsonLines as JsonLines
