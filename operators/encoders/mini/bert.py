"""MiniLM-L6: six layers of BERT whose mean over the words is the sentence.

Wang et al., "MiniLM", NeurIPS 2020; Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3, for the mean.
N = sentences, T = tokens, W = width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY, POSITIONS, WIDTH, LAYERS, HEADS, WIDE = 30_522, 512, 384, 6, 12, 1536
EPS = 1e-12

PADDING = 0
"""The token that stands for none."""


class Bert(nn.Module):
    """Tokens (N, T) to sentences (N, 384) with unit rows; padding does not count. Its keys are those of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = _table(VOCABULARY)
        self.position_embeddings = _table(POSITIONS)
        self.token_type_embeddings = _table(2)
        self.norm = nn.LayerNorm(WIDTH, eps=EPS)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, tokens: Tensor) -> Tensor:
        is_word = tokens != PADDING
        places = self.position_embeddings.weight[: tokens.shape[1]] + self.token_type_embeddings.weight[0]
        x_NTW = self.norm(self.word_embeddings(tokens) + places)
        for layer in self.layers:
            x_NTW = layer(x_NTW, is_word[:, None, None])
        weights = is_word[..., None].to(x_NTW.dtype)
        return functional.normalize((x_NTW * weights).sum(1) / weights.sum(1).clamp(min=1), dim=-1)


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.attended_norm = nn.LayerNorm(WIDTH, eps=EPS)
        self.widen, self.narrow = nn.Linear(WIDTH, WIDE), nn.Linear(WIDE, WIDTH)
        self.narrow_norm = nn.LayerNorm(WIDTH, eps=EPS)

    def forward(self, x_NTW: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (_heads(part(x_NTW)) for part in (self.query, self.key, self.value))
        attention = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        x_NTW = self.attended_norm(x_NTW + self.attended(attention))
        y_NTW: Tensor = self.narrow_norm(x_NTW + self.narrow(functional.gelu(self.widen(x_NTW))))
        return y_NTW


def _table(rows: int) -> nn.Embedding:
    """Return an embedding of zeros: on the meta device, random numbers import torch's compiler, 1 s and 130 MB."""
    return nn.Embedding(rows, WIDTH, _weight=torch.zeros(rows, WIDTH))


def _heads(x_NTW: Tensor) -> Tensor:
    """Return (N, heads, T, W / heads)."""
    return x_NTW.view(*x_NTW.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)
