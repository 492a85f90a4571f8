"""``rigbind bind``: one sense of a rig, bound to what another one sees at the same time, or to what is said of it."""

from pipeline.commands.bind.command import bind

__all__ = ["bind"]
