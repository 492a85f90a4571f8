"""``rigbind eval``: what a model knows about recordings of a set, beside baselines and what others published."""

from pipeline.commands.eval.command import eval

__all__ = ["eval"]
