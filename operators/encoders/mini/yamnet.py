"""YAMNet: MobileNet v1 over log-mel patches, 521 classes of AudioSet, batch norms folded into the convolutions.

All constants are those of the published model (Plakal and Ellis, TensorFlow models, research/audioset/yamnet).
P = patches of a clip.
"""

import math
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.convolution import SameConv2d

RATE = 16_000
FRAME, HOP, FFT = 400, 160, 512
"""Samples: 25 ms every 10 ms."""

MELS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
OFFSET = 0.001
"""Added to magnitudes before their logarithm."""

PATCH, PATCH_HOP = 96, 48
"""Frames in a patch, and from one to the next: 0.96 s and 0.48 s."""

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
FEATURES, CLASSES = 1024, 521


class YamNet(nn.Module):
    """Patches (N, P, 96, 64) to features, and features to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(1, WIDTHS[0], 3, stride=2, activation="relu")
        self.depthwise = nn.ModuleList(
            SameConv2d(width, width, 3, stride, groups=width, activation="relu")
            for width, stride in zip(WIDTHS, STRIDES, strict=False)
        )
        self.pointwise = nn.ModuleList(
            SameConv2d(width, wider, 1, activation="relu") for width, wider in pairwise(WIDTHS)
        )
        self.classes = nn.Linear(FEATURES, CLASSES)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(patches)
        return features, self.scores(features)

    def features(self, patches: Tensor) -> Tensor:
        """Return (N, P, 1024)."""
        x = self.stem(patches.flatten(0, 1)[:, None])
        for depthwise, pointwise in zip(self.depthwise, self.pointwise, strict=True):
            x = pointwise(depthwise(x))
        features: Tensor = x.mean((2, 3)).view(*patches.shape[:2], FEATURES)
        return features

    def scores(self, features: Tensor) -> Tensor:
        """Return (N, P, 521) in [0, 1], each class for itself."""
        scores: Tensor = torch.sigmoid(self.classes(features))
        return scores


def patches_of(wave: Tensor) -> Tensor:
    """Return (P, 96, 64) of a sound (T,) in [-1, 1] at 16 kHz; what is shorter than a patch is followed by silence."""
    least = FRAME + (PATCH - 1) * HOP
    frames = functional.pad(wave, (0, max(0, least - len(wave)))).unfold(0, FRAME, HOP)
    magnitudes = torch.fft.rfft(frames * torch.hann_window(FRAME), FFT).abs()
    mels = torch.log(magnitudes @ _filters() + OFFSET)
    return mels.unfold(0, PATCH, PATCH_HOP).transpose(1, 2).contiguous()


@lru_cache(1)
def _filters() -> Tensor:
    """Return (257, 64): triangles in HTK's mel scale, without the constant part of the signal."""
    mels = 1127 * torch.log1p(torch.linspace(0, RATE / 2, FFT // 2 + 1, dtype=torch.float64) / 700)
    low, high = (1127 * math.log1p(hertz / 700) for hertz in (LOW_HZ, HIGH_HZ))
    edges = torch.linspace(low, high, MELS + 2, dtype=torch.float64)
    rising = (mels[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0)
    filters[0] = 0
    return filters.float()
