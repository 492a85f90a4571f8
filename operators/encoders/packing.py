"""Layers whose weights lie as oneDNN multiplies them fastest, for processors of the x86 family.

torch alone multiplies float32 by MKL, which is slower on such a processor, and turns bfloat16 weights and those of
every convolution round in every call. torch offers this layout to its compiler alone; the operators below are what the
compiler calls.
"""

import platform
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.convolution import SameConv2d

FUSED: Mapping[str, tuple[str, list[float]]] = {
    "": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
}
"""oneDNN's name and numbers of what follows a convolution."""


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


class PackedConv2d(nn.Module):
    """``plain`` in oneDNN's layout, channels last, with its activation in the same pass; pickled it is ``plain``.

    Of an even number of rows and columns a stride of 2 needs more padding after than before. oneDNN pads evenly: a
    kernel with one row and column of zeros before it needs that. Of an odd number ``plain`` itself is computed.
    """

    def __init__(self, plain: SameConv2d) -> None:
        super().__init__()
        self.plain = plain
        self._stride = plain.stride[0]
        weight = plain.weight.detach()
        if self._stride == 2:
            weight = functional.pad(weight, (1, 0, 1, 0))
        given = [plain.kernel_size[0] // 2] * 2, list(plain.stride), [1, 1], plain.groups
        self._weight: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, *given, None)
        self._rest = (plain.bias, *given, *FUSED[plain.activation], "")

    def forward(self, x: Tensor) -> Tensor:
        if any(size % self._stride for size in x.shape[-2:]):
            y: Tensor = self.plain(x)
        else:
            x = x.contiguous(memory_format=torch.channels_last)
            y = torch.ops.mkldnn._convolution_pointwise(x, self._weight, *self._rest)
        return y

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.plain,)


def pack(module: nn.Module) -> None:
    """Replace the layers in ``module`` that have a packed kind; not where oneDNN has no fast product for their numbers.

    Subclasses of ``nn.Linear``, and linear layers of modules that are neither ours nor a plain sequence, stay: others
    may take their weights in hand.
    """
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Linear and _may_change(parent) and _is_fast(child.weight):
                setattr(parent, name, PackedLinear(child))
            elif isinstance(child, SameConv2d) and not isinstance(parent, PackedConv2d) and _is_fast(child.weight):
                setattr(parent, name, PackedConv2d(child))


def _may_change(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) or type(module).__module__.startswith("operators.")


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
