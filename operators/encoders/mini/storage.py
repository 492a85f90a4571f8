"""Weights as they are shipped: safetensors of float16, and large matrices of 8-bit integers with their scales."""

from collections.abc import Callable, Mapping
from errno import ENOENT
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

FOLDER = Path(__file__).with_name("weights")
"""Where the shipped weights are."""

SCALE = ".scale"
"""Ends the key of the scales (rows, groups) float16 of a matrix of integers; each is for one group of columns."""

GROUP = 64
"""Columns in a group. Of 1521 names of classes, none turns to a cosine below 0.999; with a scale a row, 28 do."""

MATRIX = 1 << 16
"""Numbers in a matrix from which on integers pay."""

SHOWN = 8
"""Keys that an error names."""


N = TypeVar("N", bound=nn.Module)


def write(
    path: Path, state: Mapping[str, Tensor], integers: bool = False, metadata: Mapping[str, str] | None = None
) -> None:
    """Write ``state``; with ``integers`` its large matrices as integers of at most 127 times their group's scale."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if integers and tensor.ndim == 2 and tensor.numel() >= MATRIX and tensor.shape[1] % GROUP == 0:
            groups = tensor.float().reshape(len(tensor), -1, GROUP)
            scales = (groups.abs().amax(2) / 127).clamp(min=1e-6).half()
            whole = (groups / scales.float()[..., None]).round().clamp(-127, 127)
            stored[name], stored[name + SCALE] = whole.flatten(1).to(torch.int8), scales
        else:
            stored[name] = tensor.half().contiguous()
    save_file(stored, path, dict(metadata or {}))


def read(path: Path) -> dict[str, Tensor]:
    """Return what was written, in float32. Raise OSError if ``path`` is not there, ValueError if it is damaged."""
    if not path.is_file():
        advice = ": `rigbind weights mini` makes it anew" if path.parent == FOLDER else ""
        raise FileNotFoundError(ENOENT, f"No such file{advice}", str(path))
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            stored = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged, or no safetensors file: {error}") from error
    state = {}
    for name, tensor in stored.items():
        if tensor.dtype == torch.int8 and name + SCALE in stored:
            groups = tensor.float().view(*stored[name + SCALE].shape, -1)
            state[name] = (groups * stored[name + SCALE].float()[..., None]).flatten(1)
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) in stored):
            state[name] = tensor.float()
    return state


def loaded(build: Callable[[Mapping[str, Tensor]], N], weights: str, name: str, frozen: str = "") -> N:
    """Return the network that is built for a file's weights, with these: those shipped for ``name`` without a file.

    What was bound to a ``frozen`` network need not hold that: it is in the shipped file of this name, and what the
    other one holds takes its place. Raise OSError for a file that is not there, and ValueError for one of another
    network, naming its keys.
    """
    path = Path(weights) if weights else FOLDER / f"{name}.safetensors"
    state = (read(FOLDER / f"{frozen}.safetensors") if frozen else {}) | read(path)
    with torch.device("meta"):  # numbers that are drawn and thrown away would cost time and the global generator
        network = build(state)
    shapes, found = ({key: tensor.shape for key, tensor in each.items()} for each in (network.state_dict(), state))
    if unlike := sorted(key for key in shapes | found if shapes.get(key) != found.get(key)):
        shown = ", ".join(unlike[:SHOWN])
        raise ValueError(f"{path}: not the weights of {type(network).__name__}: {len(unlike)} keys differ: {shown}")
    network.load_state_dict(state, assign=True)
    network.to(memory_format=torch.channels_last)  # convolutions of many channels take two thirds of the time
    return network


def stored(network: nn.Module, path: Path, frozen: str = "") -> None:
    """Write what ``loaded`` reads: all of ``network`` that is not, number by number, in the shipped ``frozen`` file."""
    shipped = read(FOLDER / f"{frozen}.safetensors") if frozen else {}
    own = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if name not in shipped or not torch.equal(tensor, shipped[name])
    }
    write(path, own)
