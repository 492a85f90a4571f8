"""Sentences, byte by byte."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional

from operators.encoders.tower import Tower
from pipeline.messages import Array

LENGTH = 128
"""Bytes of a text that count; the rest is cut."""


class TextEncoder:
    """UTF-8 bytes as tokens; needs no vocabulary. The weights are placeholders: near in spelling, not in meaning."""

    modality: str = "text"

    def __init__(self, dim: int = 256, seed: int = 0) -> None:
        self.dim = dim
        self.seed = seed

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, 128) int64 tokens: byte + 1, then 0 to the end.

        >>> TextEncoder().tokenize(["fire", ""])[:, :5].tolist()
        [[103, 106, 115, 102, 0], [0, 0, 0, 0, 0]]
        """
        tokens = np.zeros((len(texts), LENGTH), np.int64)
        for row, text in zip(tokens, texts, strict=True):
            encoded = np.frombuffer(text.encode()[:LENGTH], np.uint8)
            row[: len(encoded)] = encoded.astype(np.int64) + 1
        return tokens

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 128) tokens."""
        bytes_NLC = functional.one_hot(torch.tensor(batch), 257)[..., 1:].float()  # padding is no byte
        return self._tower.embed(16 * bytes_NLC.transpose(1, 2).unsqueeze(2))

    @cached_property
    def _tower(self) -> Tower:
        return Tower((256, 1, LENGTH), (1, 1), self.dim, self.seed)
