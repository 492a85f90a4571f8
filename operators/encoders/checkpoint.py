"""Weights on disk: ImageBind's key layout, in safetensors or in PyTorch's own format, whole or one tower at a time.

A file holds any of the six towers. Reading is memory-mapped: asking for one tower touches its part of the file alone,
and pickled code is never run.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from operators.encoders.tower import Architecture, Tower, seeded_tower

STEMS = {"vision": "rgbt_stem.proj.1", "depth": "depth_stem.proj", "imu": "imu_stem.proj"}
"""Where ImageBind keeps the patches' weights; elsewhere it is ``rgbt_stem.proj``."""

HEADS = {"text": ("proj.0", "proj.1"), "imu": ("0", "3")}
"""Where ImageBind keeps a head's norm and projection; elsewhere it is ``0`` and ``2``."""

BLOCK = {
    "attention.qkv.": "attn.in_proj_",
    "attention.out.": "attn.out_proj.",
    "attention.bias_": "attn.bias_",
    "mlp.0.": "mlp.fc1.",
    "mlp.2.": "mlp.fc2.",
}

CONSTANTS = ("modality_preprocessors.text.mask",)
"""Entries of an ImageBind file that are no weights: the causal mask of the text tower."""

SHOWN = 8
"""Keys that an error names; of the others it gives the number."""


def load_tower(modality: str, architecture: Architecture, weights: str = "", seed: int = 0) -> Tower:
    """Return a tower with the weights of a file, or without one placeholders drawn from ``seed``.

    The file's numbers are used where they lie, memory-mapped. Raise OSError if there is no such file, and ValueError
    naming every key that is missing, unexpected or of another shape.
    """
    if not weights:
        return seeded_tower(modality, architecture, seed)
    with torch.device("meta"):
        tower = Tower(modality, architecture)
    state = tower.state_dict()
    with opened(Path(weights)) as file:
        check(weights, modality, file, {imagebind_key(modality, name): tensor for name, tensor in state.items()})
        loaded = {name: file[imagebind_key(modality, name)].view(tensor.shape) for name, tensor in state.items()}
    tower.load_state_dict(loaded, assign=True)
    return tower


def state_of(tower: Tower) -> dict[str, Tensor]:
    """Return the weights of ``tower`` by ImageBind's keys, ready for ``safetensors``."""
    return {imagebind_key(tower.modality, name): tensor.contiguous() for name, tensor in tower.state_dict().items()}


class Weights(Mapping[str, Tensor]):
    """A checkpoint as a mapping that reads a tensor when it is asked for; ``shapes`` knows them all beforehand."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], read: Callable[[str], Tensor]) -> None:
        self.shapes = shapes
        self._read = read

    def __getitem__(self, key: str) -> Tensor:
        return self._read(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


@contextmanager
def opened(path: Path) -> Iterator[Weights]:
    """Open a checkpoint, ``.safetensors`` or what ``torch.save`` wrote.

    Raise OSError if it cannot be read, and ValueError if it is no checkpoint, is cut short, or holds code.
    """
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    try:
        if path.suffix == ".safetensors" or not is_zip:
            with safe_open(path, "pt") as tensors:
                shapes = {key: tuple(tensors.get_slice(key).get_shape()) for key in tensors.keys()}  # noqa: SIM118
                yield Weights(shapes, tensors.get_tensor)
        else:
            state = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
            if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
                state = state["state_dict"]  # as training scripts keep it, beside their optimizer's
            if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
                raise ValueError(f"{path}: no state dict: it holds {type(state).__name__} and not tensors by name")
            yield Weights({key: tuple(tensor.shape) for key, tensor in state.items()}, state.__getitem__)
    except UnpicklingError as error:
        raise ValueError(f"{path}: refused: it holds more than tensors, {str(error).splitlines()[0]}") from error
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(f"{path}: no checkpoint, or a damaged one: {str(error).splitlines()[0]}") from error


def check(name: str, modality: str, found: Weights, due: Mapping[str, Tensor]) -> None:
    """Raise ValueError naming every key of ``modality`` that is missing, unexpected or of another shape."""
    of_modality = {key for key in found if f".{modality}." in key and key not in CONSTANTS}
    if not of_modality:
        raise ValueError(f"{name}: has no weights for {modality}; it has {', '.join(modalities_of(found)) or 'none'}")
    mistakes = [
        *_named("missing", sorted(due.keys() - of_modality)),
        *_named("unexpected", sorted(of_modality - due.keys())),
        *_named(
            "of another shape",
            [
                f"{key} {found.shapes[key]}, {tuple(tensor.shape)} was due"
                for key, tensor in due.items()
                if key in of_modality and not _fits(found.shapes[key], tuple(tensor.shape))
            ],
        ),
    ]
    if mistakes:
        raise ValueError(f"{name}: does not fit this {modality} tower: {'; '.join(mistakes)}")


def modalities_of(keys: Iterable[str]) -> list[str]:
    """Return the modalities that ImageBind's ``keys`` speak of, in their order."""
    rooms = (key.split(".") for key in keys if key.startswith("modality_"))
    return list(dict.fromkeys(parts[1] for parts in rooms if len(parts) > 2))


def imagebind_key(modality: str, name: str) -> str:
    """Return ImageBind's key for the parameter ``name`` of our tower.

    >>> imagebind_key("depth", "tokens.stem.weight")
    'modality_preprocessors.depth.depth_stem.proj.weight'
    >>> imagebind_key("audio", "trunk.3.attention.bias_k")
    'modality_trunks.audio.blocks.3.attn.bias_k'
    """
    room, _, rest = name.partition(".")
    norm, projection = HEADS.get(modality, ("0", "2"))
    match room:
        case "tokens":
            return f"modality_preprocessors.{modality}.{_tokens_key(modality, rest)}"
        case "pre_norm":
            return f"modality_trunks.{modality}.pre_transformer_layer.0.{rest}"
        case "trunk":
            for ours, theirs in BLOCK.items():
                rest = rest.replace(ours, theirs)
            return f"modality_trunks.{modality}.blocks.{rest}"
        case "norm":
            return f"modality_heads.{modality}.{norm}.{rest}"
        case "head":
            return f"modality_heads.{modality}.{projection}.{rest}"
        case _:
            return f"modality_postprocessors.{modality}.1.log_logit_scale"


def _tokens_key(modality: str, name: str) -> str:
    stem = STEMS.get(modality, "rgbt_stem.proj")
    return {
        "stem.weight": f"{stem}.weight",
        "norm.weight": f"{stem.split('.')[0]}.norm_layer.weight",
        "norm.bias": f"{stem.split('.')[0]}.norm_layer.bias",
        "class_token": "cls_token",
        "positions": "pos_embed" if modality in ("text", "imu") else "pos_embedding_helper.pos_embed",
        "embedding.weight": "token_embedding.weight",
    }[name]


def _fits(found: tuple[int, ...], due: tuple[int, ...]) -> bool:
    """Say whether ``found`` is ``due`` with dimensions joined or split; ours keeps the patches' weights in four.

    >>> _fits((512, 48), (512, 6, 1, 8)), _fits((48, 512), (512, 6, 1, 8))
    (True, False)
    """
    return found[:1] == due[:1] and prod(found) == prod(due)


def _named(fault: str, keys: list[str]) -> list[str]:
    if not keys:
        return []
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return [f"{fault}: {', '.join(keys[:SHOWN])}{more}"]
