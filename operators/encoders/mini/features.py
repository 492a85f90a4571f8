"""What the frozen networks make of lessons: computed once, kept on disk, learned from often.

N = clips, F = features, L = labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from operators.encoders.mini.audio import MiniAudio
from operators.encoders.mini.depth import MiniDepth
from operators.encoders.mini.efficientnet import EfficientNetLite0, pooled
from operators.encoders.mini.imu import MiniImu
from operators.encoders.mini.sight import WHITE, cells_of
from operators.encoders.mini.spectrum import Spectrum
from operators.encoders.mini.thermal import MiniThermal
from operators.encoders.mini.vision import MiniVision
from operators.encoders.mini.yamnet import YamNet
from pipeline.messages import Array, Clip

BATCH = 16

Features = dict[str, Tensor]
"""By name, a row per clip: ``cells`` (N, 1792) and ``features`` (N, F)."""


class Networks:
    """The frozen networks, and how each sense is prepared for them."""

    def __init__(self, picture: Mapping[str, Tensor], sound: Mapping[str, Tensor]) -> None:
        self._picture, self._sound, self._spectrum = EfficientNetLite0(), YamNet(), Spectrum()
        self._picture.load_state_dict(dict(picture))
        self._sound.load_state_dict(dict(sound))
        self._encoders = {
            each.modality: each for each in (MiniVision(), MiniThermal(), MiniDepth(), MiniAudio(), MiniImu())
        }

    @torch.inference_mode()
    def __call__(self, modality: str, clips: Iterable[Clip]) -> Features:
        """Return the features of ``clips``. Raise ValueError for a clip that cannot be prepared."""
        prepared = [self._encoders[modality].prepare(clip) for clip in clips]
        batches = [
            self._batch(modality, np.stack(prepared[first : first + BATCH])) for first in range(0, len(prepared), BATCH)
        ]
        return {name: torch.cat([batch[name] for batch in batches]).half() for name in batches[0]}

    def _batch(self, modality: str, batch: Array) -> Features:
        x = torch.from_numpy(batch).float()
        if modality == "imu":
            return {"features": self._spectrum(x)}
        if modality == "audio":
            features, scores = self._sound(x)
            return {"features": torch.cat([features.mean(1), features.amax(1)], 1), "scores": scores.amax(1)}
        middle, final = self._picture(x if modality == "vision" else WHITE * x.expand(-1, 3, -1, -1))
        return {"cells": cells_of(middle), "features": pooled(final)}


def kept(path: Path, make: Features | None = None) -> Features | None:
    """Return what is kept at ``path``, or keep ``make`` there; None if nothing whole is there."""
    if make is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file({name: tensor.contiguous() for name, tensor in make.items()}, part)
        part.replace(path)
        return make
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        return None


def truth_of(labels: Sequence[frozenset[str]], names: Sequence[str]) -> Tensor:
    """Return (N, L) float32: 1 where a label is true."""
    return torch.tensor([[float(name in of_clip) for name in names] for of_clip in labels]).view(-1, len(names))
