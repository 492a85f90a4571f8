import numpy as np
import pytest
import torch
from torch import nn

from operators.encoders.convolution import SameConv2d, folded
from pipeline.messages import Array


def padded_by_hand(x_HW: Array, kernel_KK: Array, stride: int) -> Array:
    """TensorFlow's rule: as much padding as is needed, of an odd number one more after than before."""
    due = [-(-size // stride) for size in x_HW.shape]
    needed = [max((n - 1) * stride + len(kernel_KK) - size, 0) for n, size in zip(due, x_HW.shape, strict=True)]
    x_HW = np.pad(x_HW, [(n // 2, n - n // 2) for n in needed])
    size = len(kernel_KK)
    return np.array(
        [
            [(x_HW[r : r + size, c : c + size] * kernel_KK).sum() for c in range(0, due[1] * stride, stride)]
            for r in range(0, due[0] * stride, stride)
        ]
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("shape", [(8, 8), (7, 10), (11, 3)])
def test_padding_is_that_of_tensorflow(shape: tuple[int, int], kernel: int, stride: int) -> None:
    rng = np.random.default_rng(0)
    x_HW, kernel_KK = rng.normal(size=shape), rng.normal(size=(kernel, kernel))
    layer = SameConv2d(1, 1, kernel, stride).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(kernel_KK))
        layer.bias.zero_()  # type: ignore[union-attr]
    found = layer(torch.from_numpy(x_HW)[None, None])[0, 0].detach()
    np.testing.assert_allclose(found, padded_by_hand(x_HW, kernel_KK, stride), atol=1e-12)


def test_a_folded_convolution_does_what_the_norm_after_it_did() -> None:
    generator = torch.Generator().manual_seed(0)
    plain, norm, both = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5, eps=1e-3).eval(), nn.Conv2d(3, 5, 3)
    for tensor in norm.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(5, generator=generator) + 0.1)
    both.weight.data, both.bias.data = folded(  # type: ignore[union-attr]
        plain.weight.data, norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data, norm.eps  # type: ignore[arg-type]
    )  # fmt: skip
    x = torch.randn(2, 3, 6, 7, generator=generator)
    torch.testing.assert_close(both(x), norm(plain(x)), atol=1e-5, rtol=0)
