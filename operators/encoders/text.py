"""Sentences, as the byte pairs that CLIP reads."""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner
from operators.encoders.tower import CONTEXT, Architecture
from pipeline.messages import Array, Execution

MARKS = {"<|startoftext|>": "<start_of_text>", "<|endoftext|>": "<end_of_text>"}
"""The marks of start and end as CLIP writes them, and as our tokenizer knows them."""

_MARK = re.compile("|".join(map(re.escape, [*MARKS, *MARKS.values()])), re.IGNORECASE)


class TextEncoder:
    """CLIP's byte-pair encoding: lower case, 49 408 tokens, 77 to a text, the last of which is the end mark.

    A longer text is cut. A mark written in a text is read as letters; with ``marks`` it is a mark, as in ImageBind,
    and ends the text. No ``weights``: placeholders, by which no sentence means anything.
    """

    modality: str = "text"

    def __init__(
        self,
        tower: Architecture = Architecture(),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        marks: bool = False,
    ) -> None:
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.marks = marks

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature, that of the contrastive loss."""
        return self._run.scale

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, 77) int64 tokens: start, text, end, then 0. Raise ValueError for what is no text.

        >>> TextEncoder().tokenize(["a fire"])[0, :6].tolist()
        [49406, 320, 1769, 49407, 0, 0]
        """
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ValueError(f"a text is a string, this one is {wrong[0]!r}")
        tokens: Array = _tokenizer()([_MARK.sub(self._read, text) for text in texts]).numpy()
        return tokens

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 77) tokens."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        tower = load_tower(self.modality, self.tower, self.weights, self.seed)
        return Runner(tower, self.execution)

    def _read(self, mark: re.Match[str]) -> str:
        written = mark[0].lower()
        return MARKS.get(written, written) if self.marks else " ".join(written)


@lru_cache(1)
def _tokenizer() -> Any:
    """Keep the vocabulary, which takes longer to read than a text to encode."""
    from open_clip.tokenizer import SimpleTokenizer  # here: open_clip takes as long to import as torch

    return SimpleTokenizer(context_length=CONTEXT)
