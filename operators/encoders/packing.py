"""Linear layers whose weights lie as oneDNN multiplies them fastest, for processors of the x86 family.

torch alone multiplies float32 by MKL, which is slower on such a processor, and turns bfloat16 weights round in every
call. torch offers this layout to its compiler alone; the two operators below are what the compiler calls.
"""

import platform
from typing import Any

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """``linear`` in oneDNN's layout. ``weight`` is opaque; pickled it is an ordinary tensor."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = _packed(linear.weight.detach())
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return y

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"weight": self.weight.to_dense()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.weight = _packed(self.weight)


def pack(module: nn.Module) -> None:
    """Replace the linear layers in ``module``; do nothing where oneDNN has no fast product for its numbers.

    Subclasses of ``nn.Linear``, and layers of modules that are neither ours nor a plain sequence, stay: others may
    take their weights in hand.
    """
    for parent in list(module.modules()):
        if not (isinstance(parent, nn.Sequential) or _is_ours(parent)):
            continue
        for name, child in parent.named_children():
            if type(child) is nn.Linear and _is_fast(child.weight):
                setattr(parent, name, PackedLinear(child))


def _is_ours(module: nn.Module) -> bool:
    return type(module).__module__.startswith("operators.")


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)
    return packed


def _is_fast(weight: Tensor) -> bool:
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (weight.is_cpu and has_onednn and platform.machine() in ("x86_64", "AMD64")):
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32
