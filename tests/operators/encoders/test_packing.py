"""A packed layer is the same layer, only faster."""

import pickle

import pytest
import torch
from torch import nn

from operators.encoders.packing import PackedLinear, pack
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
