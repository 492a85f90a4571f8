"""Checkpoints described and converted: ImageBind's or OpenCLIP's weights become safetensors in ImageBind's layout."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import torch
from msgspec import Struct
from safetensors.torch import save_file
from torch import Tensor

from operators.encoders.checkpoint import CONSTANTS, modalities_of, opened
from operators.encoders.from_openclip import imagebind_state, is_openclip

Dtype = Literal["float32", "bfloat16", "float16"]


class Contents(Struct, frozen=True, kw_only=True):
    """What a checkpoint holds for one modality; ``mb`` is 10⁶ bytes."""

    modality: str
    tensors: int
    parameters: int
    dtypes: str
    width: int
    blocks: int
    dim: int
    mb: float


def contents(path: Path) -> list[Contents]:
    """Say what is in a checkpoint, one entry a modality. Raise OSError, or ValueError for what is no checkpoint."""
    with opened(path) as file:
        state = layout(path, file)
        return [_of_modality(state, modality) for modality in modalities_of(state)]


def convert(source: Path, target: Path, modalities: Collection[str] = (), dtype: Dtype | None = None) -> list[str]:
    """Write ``modalities`` of ``source``, or all, to ``target`` as safetensors; return which.

    Numbers keep their dtype unless one is asked for. Raise ValueError for a modality that ``source`` does not have.
    """
    with opened(source) as file:
        state = layout(source, file)
        present = modalities_of(state)
        if absent := [modality for modality in modalities if modality not in present]:
            raise ValueError(f"{source}: has no weights for {', '.join(absent)}; it has {', '.join(present)}")
        wanted = [modality for modality in present if modality in (modalities or present)]
        kept = {key: _cast(state[key], dtype) for key in state if key.split(".")[1] in wanted and key not in CONSTANTS}
        save_file(kept, target, {"format": "pt"})
    return wanted


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def layout(path: Path, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return ``state`` by ImageBind's keys. Raise ValueError if it is neither ImageBind's nor OpenCLIP's."""
    if is_openclip(state):
        return imagebind_state(state)
    if not modalities_of(state):
        raise ValueError(f"{path}: neither ImageBind's nor OpenCLIP's keys: {', '.join(list(state)[:3]) or 'none'}, …")
    return state


def _of_modality(state: Mapping[str, Tensor], modality: str) -> Contents:
    tensors = {key: state[key] for key in state if f".{modality}." in key and key not in CONSTANTS}
    blocks = {key.split(".blocks.")[1].split(".")[0] for key in tensors if ".blocks." in key}
    heads = (tensor for key, tensor in tensors.items() if key.startswith("modality_heads"))
    head = next((tensor for tensor in heads if tensor.ndim == 2), None)
    return Contents(
        modality=modality,
        tensors=len(tensors),
        parameters=sum(tensor.numel() for tensor in tensors.values()),
        dtypes=", ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()})),
        width=0 if head is None else head.shape[1],
        blocks=len(blocks),
        dim=0 if head is None else head.shape[0],
        mb=sum(tensor.nbytes for tensor in tensors.values()) / 1e6,
    )


def _cast(tensor: Tensor, dtype: Dtype | None) -> Tensor:
    return tensor.to(getattr(torch, dtype)).contiguous() if dtype else tensor.contiguous()
