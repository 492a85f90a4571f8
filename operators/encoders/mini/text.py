"""Sentences for ``mini``: MiniLM, whitened."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from operators.encoders.execution import Runner
from operators.encoders.mini.bert import WIDTH, Bert
from operators.encoders.mini.joint import DIM, MEANING, joined
from operators.encoders.mini.storage import loaded
from pipeline.messages import Array, Execution

VOCABULARY = Path(__file__).with_name("vocabulary.txt")
"""BERT's 30 522 word pieces, in order, a line each."""

LENGTH = 128
"""Tokens that a sentence is cut to; MiniLM was trained with as many (its model card)."""


class Sentences(nn.Module):
    """Tokens (N, T) to vectors (N, D): the sentence by the axes in which names of things differ, the strongest 256."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = Bert()
        self.whiten = nn.Linear(WIDTH, MEANING)

    def forward(self, tokens: Tensor) -> Tensor:
        return joined(self.whiten(self.bert(tokens)))


class MiniText:
    """BERT's word pieces, lower case; a text beyond 126 of them is cut. No ``weights``: those that are shipped."""

    modality: str = "text"

    def __init__(self, weights: str = "", execution: Execution = Execution()) -> None:
        self.weights = weights
        self.execution = execution

    @property
    def dim(self) -> int:
        return DIM

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, T) int64, T that of the longest; 0 after its end. Raise ValueError for what is no text.

        >>> MiniText().tokenize(["A dog barking!"]).tolist()
        [[101, 1037, 3899, 19372, 999, 102]]
        """
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ValueError(f"a text is a string, this one is {wrong[0]!r}")
        pieces = [self._tokenizer.encode(text).ids for text in texts]
        tokens = np.zeros((len(pieces), max(map(len, pieces), default=0)), np.int64)
        for row, ids in zip(tokens, pieces, strict=True):
            row[: len(ids)] = ids
        return tokens

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, T) tokens."""
        return self._run(batch)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained: (N, T) tokens to (N, D)."""
        return loaded(lambda _: Sentences(), self.weights, self.modality)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self.network(), self.execution)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import BertWordPieceTokenizer  # here: who asks no text need not wait for it

        tokenizer = BertWordPieceTokenizer(str(VOCABULARY))
        tokenizer.enable_truncation(LENGTH)
        return tokenizer
