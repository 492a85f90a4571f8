"""The baseline of ``rigbind bench encoders``: the same tower in eager float32, on ``nn.MultiheadAttention``.

N = inputs in a batch, L = tokens, W = width.
"""

import torch
from torch import Tensor, nn

from operators.encoders.tower import FORMS, Tower
from operators.encoders.trunk import EPS


def plain_tower(tower: Tower) -> Tower:
    """Return ``tower`` with its trunk as ImageBind's reference structures it; the weights are shared, not copied."""
    sizes, form = tower.architecture, FORMS[tower.modality]
    with torch.device("meta"):
        plain = Tower(tower.modality, sizes)
        plain.add_module("trunk", PlainTrunk(sizes.width, sizes.depth, sizes.heads, form.bias_kv, form.size is None))
    state = tower.state_dict()
    plain.load_state_dict({_plain_name(name): tensor for name, tensor in state.items()}, assign=True)
    return plain.eval().requires_grad_(False)


def _plain_name(name: str) -> str:
    return name.replace("attention.qkv.", "attention.in_proj_").replace("attention.out.", "attention.out_proj.")


class PlainTrunk(nn.Sequential):
    """Blocks that see tokens first, (L, N, W)."""

    def __init__(self, width: int, depth: int, heads: int, bias_kv: bool, causal: bool) -> None:
        super().__init__(*(PlainBlock(width, heads, bias_kv, causal) for _ in range(depth)))

    def forward(self, x_NLW: Tensor) -> Tensor:
        x_LNW = x_NLW.transpose(0, 1)
        for block in self:
            x_LNW = block(x_LNW)
        return x_LNW.transpose(0, 1)


class PlainBlock(nn.Module):
    """x += attention(norm(x)); x += mlp(norm(x))."""

    def __init__(self, width: int, heads: int, bias_kv: bool, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.norm_1 = nn.LayerNorm(width, EPS)
        self.attention = nn.MultiheadAttention(width, heads, add_bias_kv=bias_kv)
        self.norm_2 = nn.LayerNorm(width, EPS)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x_LNW: Tensor) -> Tensor:
        L, y_LNW = len(x_LNW), self.norm_1(x_LNW)
        mask_LL = torch.full((L, L), -torch.inf, device=x_LNW.device).triu(1) if self.causal else None
        x_LNW = x_LNW + self.attention(y_LNW, y_LNW, y_LNW, need_weights=False, attn_mask=mask_LL)[0]
        z_LNW: Tensor = x_LNW + self.mlp(self.norm_2(x_LNW))
        return z_LNW
