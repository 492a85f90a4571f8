"""A packed layer is the same layer, only faster."""

import pickle

import pytest
import torch
from torch import nn

from operators.encoders.convolution import ACTIVATIONS, SameConv2d
from operators.encoders.packing import PackedConv2d, PackedLinear, pack
from operators.encoders.trunk import Attention

pytestmark = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor has no oneDNN bfloat16 to pack for"
)


def linear(bias: bool = True, dtype: torch.dtype = torch.float32) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(48, 80, bias=bias, dtype=dtype).requires_grad_(False)


@pytest.mark.parametrize("rows", [(1,), (7,), (3, 257)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
@torch.inference_mode()
def test_it_computes_what_the_layer_does(
    rows: tuple[int, ...], bias: bool, dtype: torch.dtype, tolerance: float
) -> None:
    layer = linear(bias, dtype)
    x = torch.randn(*rows, 48, generator=torch.Generator().manual_seed(1)).to(dtype)
    torch.testing.assert_close(PackedLinear(layer)(x), layer(x), rtol=tolerance, atol=tolerance)


@torch.inference_mode()
def test_pickled_it_is_the_same_layer() -> None:
    packed, x = PackedLinear(linear()), torch.ones(2, 48)
    travelled = pickle.loads(pickle.dumps(packed))
    assert torch.equal(travelled(x), packed(x))
    assert travelled.weight.layout == packed.weight.layout != torch.strided


class Reader(nn.Module):
    """A module that is not ours, and may take its layer's weight in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = linear()


class Special(nn.Linear):
    """A layer that may compute something else."""


def test_layers_of_ours_and_of_sequences_are_packed_and_others_are_left() -> None:
    module = nn.Sequential(linear(), nn.Sequential(linear(), nn.GELU()), Attention(8, 2), Reader(), Special(4, 4))
    pack(module)
    packed = {name for name, layer in module.named_modules() if isinstance(layer, PackedLinear)}
    assert packed == {"0", "1.0", "2.qkv", "2.out"}


def test_numbers_without_a_fast_product_are_left() -> None:
    module = nn.Sequential(linear(dtype=torch.float16), linear(dtype=torch.float64))
    pack(module)
    assert not any(isinstance(layer, PackedLinear) for layer in module)


def convolution(kernel: int, stride: int = 1, groups: int = 1, activation: str = "") -> SameConv2d:
    torch.manual_seed(0)
    return SameConv2d(12, 24, kernel, stride, groups, activation).requires_grad_(False)


def picture(*size: int) -> torch.Tensor:
    return 9 * torch.randn(2, 12, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(16, 24), (15, 24), (7, 9), (1, 1)])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
@pytest.mark.parametrize("groups", [1, 12])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@torch.inference_mode()
def test_a_convolution_computes_what_the_layer_does(
    size: tuple[int, int], kernel: int, stride: int, groups: int, activation: str
) -> None:
    layer, x = convolution(kernel, stride, groups, activation), picture(*size)
    torch.testing.assert_close(PackedConv2d(layer)(x), layer(x), rtol=1e-5, atol=1e-4)


@torch.inference_mode()
def test_a_convolution_in_half_precision_computes_what_the_layer_does() -> None:
    layer, x = convolution(3, 2, 12, "relu6").bfloat16(), picture(16, 16).bfloat16()
    torch.testing.assert_close(PackedConv2d(layer)(x), layer(x), rtol=2e-2, atol=5e-2)


@torch.inference_mode()
def test_a_pickled_convolution_is_the_same() -> None:
    packed, x = PackedConv2d(convolution(3, 2, activation="relu")), picture(8, 8)
    travelled = pickle.loads(pickle.dumps(packed))
    assert torch.equal(travelled(x), packed(x))


def test_convolutions_are_packed_once_wherever_they_are() -> None:
    module = nn.Sequential(nn.ModuleList([convolution(3)]), convolution(1), nn.Conv2d(3, 3, 1))
    for _ in range(2):
        pack(module)
    packed = {name for name, layer in module.named_modules() if isinstance(layer, PackedConv2d)}
    assert packed == {"0.0", "1"}
