"""What of a network learns: all of it, its head, or a low-rank change of its layers.

O = outputs of a layer, I = its inputs, R = rank.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from operators.binding.recipe import Recipe


class LowRank(nn.Module):
    """A weight (O, I, ...) plus the product of (O, R) and (R, I), which begins as 0 (Hu et al., arXiv 2106.09685)."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape[0], weight[0].numel()
        self.down = nn.Parameter(torch.randn(rank, inputs) * inputs**-0.5)
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def chosen(network: nn.Module, recipe: Recipe) -> list[nn.Parameter]:
    """Make ``network`` ready to learn in this mode, and return what learns.

    A network says in ``heads`` which of its modules read out the vector; without, it is the last linear layer.
    Parameters that it freezes itself never learn. Raise ValueError where nothing is left to.
    """
    able = [parameter for parameter in network.parameters() if parameter.requires_grad]
    match recipe.mode:
        case "head":
            heads = {id(parameter) for head in _heads(network) for parameter in head.parameters()}
            found = [parameter for parameter in able if id(parameter) in heads]
        case "lora":
            generator = torch.random.get_rng_state()
            torch.manual_seed(recipe.seed)
            found = [parameter for layer in _layers(network) for parameter in _lowered(layer, recipe.rank)]
            torch.random.set_rng_state(generator)
        case _:
            found = able
    if not found:
        raise ValueError(f"recipe: mode {recipe.mode!r} leaves nothing of {type(network).__name__} to learn")
    network.requires_grad_(False)
    for parameter in found:
        parameter.requires_grad_(True)
    return found


def merged(network: nn.Module) -> nn.Module:
    """Return ``network`` with its low-rank changes taken into its weights."""
    for layer in network.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return network


def _heads(network: nn.Module) -> list[nn.Module]:
    names: Any = getattr(network, "heads", ())
    if names:
        return [network.get_submodule(name) for name in names]
    linear: list[nn.Module] = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return linear[-1:]


def _layers(network: nn.Module) -> list[nn.Module]:
    """Return linear layers, and convolutions that are one to each pixel."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear)
        or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1)
    ]


def _lowered(layer: Any, rank: int) -> list[nn.Parameter]:
    change = LowRank(layer.weight, rank)
    parametrize.register_parametrization(layer, "weight", change)
    return [change.down, change.up]
