"""``rigbind explain EVENT``: what was seen, heard and felt of an event, and what it was compared with."""

from pipeline.commands.explain.command import explain

__all__ = ["explain"]
