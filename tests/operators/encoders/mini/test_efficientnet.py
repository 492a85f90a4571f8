"""Our network beside timm's of the same kind: random weights, in the checkpoint's key layout."""

import io

import pytest
import timm
import torch
from torch import Tensor, nn

from operators.encoders.mini import conversion
from operators.encoders.mini.efficientnet import MEAN, STD, EfficientNetLite0, pooled

NAMES = {"conv_dw": "_depthwise_conv", "conv_pw": "_expand_conv", "conv_pwl": "_project_conv"}


def checkpoint_of(reference: nn.Module) -> dict[str, Tensor]:
    """Return the weights under the names of the checkpoint, which numbers blocks and their norms throughout."""
    state, block, raw = reference.state_dict(), -1, {}
    starts: set[str] = set()
    for key, tensor in state.items():
        stage, part = key.rpartition(".")[0], key.rpartition(".")[2]
        if key.startswith("blocks."):
            _, outer, inner, layer = stage.split(".")
            block += f"{outer}.{inner}" not in starts
            starts.add(f"{outer}.{inner}")
            first = f"blocks.{outer}.{inner}.conv_dw.weight" if outer == "0" else ""
            norm = {"bn1": "_bn1" if first else "_bn0", "bn2": "_bn2" if first else "_bn1", "bn3": "_bn2"}
            kernel = "_project_conv" if first and layer == "conv_pw" else NAMES.get(layer, "")
            raw[f"_blocks.{block}.{kernel or norm[layer]}.{part}"] = tensor
        else:
            outside = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
            raw[f"{(outside | {'classifier': '_fc'})[stage]}.{part}"] = tensor
    return raw


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    """timm's ``tf_efficientnet_lite0`` with weights and norms that are all unlike."""
    generator = torch.Generator().manual_seed(0)
    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.copy_(0.1 * torch.randn(tensor.shape, generator=generator))
        elif tensor.ndim == 1:
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.ndim > 1:
            fan = tensor[0].numel()
            tensor.copy_((2 / fan) ** 0.5 * torch.randn(tensor.shape, generator=generator))
    return network


@torch.inference_mode()
@pytest.mark.parametrize("size", [(224, 224), (97, 130)])
def test_maps_and_classes_are_those_of_the_reference(reference: nn.Module, size: tuple[int, int]) -> None:
    data = io.BytesIO()
    torch.save(checkpoint_of(reference), data)
    state, classes = conversion.picture(data.getvalue())
    network = EfficientNetLite0()
    network.load_state_dict(state)
    pictures = 255 * torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    middle, final = network(pictures)
    ready = (pictures - MEAN) / STD
    due = reference.bn1(reference.conv_stem(ready))  # type: ignore[operator]
    for stage in reference.blocks[:5]:  # type: ignore[index]
        due = stage(due)
    torch.testing.assert_close(middle, due, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(final, reference.forward_features(ready), atol=1e-3, rtol=1e-3)  # type: ignore[operator]
    logits = nn.functional.linear(final.mean((2, 3)), classes["weight"], classes["bias"])
    torch.testing.assert_close(logits, reference(ready), atol=1e-3, rtol=1e-3)
    assert due.std() > 0.1
    assert final.std() > 0.1


def test_pooling_keeps_mean_and_maximum_of_each_channel() -> None:
    found = pooled(torch.arange(8.0).view(1, 2, 2, 2))
    assert found.tolist() == [[1.5, 5.5, 3.0, 7.0]]
