"""``rigbind weights mini``: the shipped weights, made anew from what they are made of."""

from pipeline.commands.mini.command import mini

__all__ = ["mini"]
