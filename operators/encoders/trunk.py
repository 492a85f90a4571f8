"""The transformer that all towers share: pre-LN blocks of attention and MLP, as ImageBind's trunks are.

N = inputs in a batch, L = tokens, W = width, H = heads, K = width of a head; S = L, or L + 1 with ``bias_kv``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6
"""Of every layer norm in a trunk (ImageBind's source; OpenCLIP has 1e-5)."""

SHORT = 1000
"""Tokens up to which two plain products of bfloat16 beat torch's fused attention on a CPU, which multiplies float32."""


class Trunk(nn.Sequential):
    """``depth`` blocks, (N, L, W) to (N, L, W)."""

    def __init__(self, width: int, depth: int, heads: int, bias_kv: bool = False, causal: bool = False) -> None:
        super().__init__(*(Block(width, heads, bias_kv, causal) for _ in range(depth)))


class Block(nn.Module):
    """x += attention(norm(x)); x += mlp(norm(x)), with four times the width inside the MLP and exact GELU."""

    def __init__(self, width: int, heads: int, bias_kv: bool = False, causal: bool = False) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, EPS)
        self.attention = Attention(width, heads, bias_kv, causal)
        self.norm_2 = nn.LayerNorm(width, EPS)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x_NLW: Tensor) -> Tensor:
        x_NLW = x_NLW + self.attention(self.norm_1(x_NLW))
        y_NLW: Tensor = x_NLW + self.mlp(self.norm_2(x_NLW))
        return y_NLW


class Attention(nn.Module):
    """Multi-head self-attention; ``bias_kv`` adds one learned key and value that every token may attend to.

    ``causal`` lets a token see only itself and those before it.
    """

    def __init__(self, width: int, heads: int, bias_kv: bool = False, causal: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        assert not (bias_kv and causal)  # the extra key is the last one, and would be hidden
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.bias_k = nn.Parameter(torch.zeros(1, 1, width)) if bias_kv else None
        self.bias_v = nn.Parameter(torch.zeros(1, 1, width)) if bias_kv else None

    def forward(self, x_NLW: Tensor) -> Tensor:
        N, L, W = x_NLW.shape
        q_NLW, k_NSW, v_NSW = self.qkv(x_NLW).chunk(3, dim=-1)
        if self.bias_k is not None and self.bias_v is not None:
            k_NSW = torch.cat([k_NSW, self.bias_k.expand(N, 1, W)], dim=1)
            v_NSW = torch.cat([v_NSW, self.bias_v.expand(N, 1, W)], dim=1)
        q_NHLK, k_NHSK, v_NHSK = (self._split(x) for x in (q_NLW, k_NSW, v_NSW))
        y_NHLK = attend(q_NHLK, k_NHSK, v_NHSK, self.causal)
        y_NLW: Tensor = self.out(y_NHLK.transpose(1, 2).reshape(N, L, W))
        return y_NLW

    def _split(self, x_NSW: Tensor) -> Tensor:
        """Return (N, H, S, K)."""
        N, S, W = x_NSW.shape
        return x_NSW.view(N, S, self.heads, W // self.heads).transpose(1, 2)


def attend(q_NHLK: Tensor, k_NHSK: Tensor, v_NHSK: Tensor, causal: bool) -> Tensor:
    """Return softmax(q kᵀ / √K) v."""
    if q_NHLK.is_cpu and q_NHLK.dtype == torch.bfloat16 and k_NHSK.shape[2] <= SHORT and not causal:
        logits_NHLS: Tensor = q_NHLK * q_NHLK.shape[3] ** -0.5 @ k_NHSK.transpose(2, 3)
        return torch.matmul(logits_NHLS.softmax(3), v_NHSK)
    y_NHLK: Tensor = functional.scaled_dot_product_attention(q_NHLK, k_NHSK, v_NHSK, is_causal=causal)
    return y_NHLK
