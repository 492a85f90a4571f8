"""Sound for ``mini``: YAMNet's patches."""

from functools import cached_property
from math import inf
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from operators.encoders.audio import RATES, resampled, wave_of
from operators.encoders.execution import Runner
from operators.encoders.mini.concepts import PROTOTYPES, Concepts, sizes_in
from operators.encoders.mini.joint import DIM, joined, one_by_one
from operators.encoders.mini.storage import loaded, stored
from operators.encoders.mini.yamnet import CLASSES, FEATURES, MELS, PATCH, RATE, YamNet, patches_of
from pipeline.messages import Array, Clip, Execution


class Sounds(nn.Module):
    """Patches (N, P, 96, 64) to vectors (N, D): what was heard in any patch counts, as loud as where it was loudest."""

    heads = ("concepts.learned",)

    def __init__(self, learned: int, prototypes: int = PROTOTYPES) -> None:
        super().__init__()
        self.yamnet = YamNet()
        self.concepts = Concepts(CLASSES, 2 * FEATURES, learned, prototypes)

    def forward(self, patches: Tensor) -> Tensor:
        features = self.yamnet.features(patches)
        return self._heard(features) if self.training else one_by_one(self._heard, features)

    def see(self, patches: Tensor) -> Tensor:
        """Return (N, CLASSES + 2 * FEATURES): the strongest of each class, mean and maximum of features."""
        return self._summed(self.yamnet.features(patches))

    def read(self, seen: Tensor) -> Tensor:
        """Return (N, D) for what was heard."""
        return joined(self.concepts(seen[:, :CLASSES], seen[:, CLASSES:]))

    def _heard(self, features: Tensor) -> Tensor:
        return self.read(self._summed(features))

    def _summed(self, features: Tensor) -> Tensor:
        strongest = self.yamnet.scores(features).amax(1)
        return torch.cat([strongest, features.mean(1), features.amax(1)], dim=1)


class MiniAudio:
    """The last ``seconds`` of a clip at any sample rate; of several channels the first. No ``weights``: the shipped."""

    modality: str = "audio"

    def __init__(self, weights: str = "", execution: Execution = Execution(), seconds: float = 2.0) -> None:
        if not 0 < seconds < inf:
            raise ValueError(f"seconds {seconds:g} must be above 0, and a number")
        self.weights = weights
        self.execution = execution
        self.seconds = seconds

    @property
    def dim(self) -> int:
        return DIM

    def prepare(self, clip: Clip) -> Array:
        """Return (P, 96, 64) float32, natural logarithms of magnitudes; P is 3 for two seconds.

        What a clip lacks is silence before it. Raise ValueError for a clip without sound, samples that are not finite,
        or a sample rate out of range.
        """
        rate = clip.calibration.sample_rate_hz
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(f"{clip.topic}: sample_rate_hz {rate:g} is not within {RATES[0]} to {RATES[1]} Hz")
        wave = resampled(torch.from_numpy(wave_of(clip, rate, self.seconds)), rate)
        length = round(self.seconds * RATE)
        wave = torch.nn.functional.pad(wave, (max(0, length - len(wave)), 0))[-length:]
        return np.ascontiguousarray(patches_of(wave).numpy())

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, P, 96, 64)."""
        return self._run(batch)

    def rows_at_once(self) -> int:
        """Return how many clips ``embed`` may be given together without changing a bit of any vector."""
        patches = len(patches_of(torch.zeros(round(self.seconds * RATE))))
        return self._run.rows_at_once((patches, PATCH, MELS), 1.0)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained: its concepts speak of all that they are shown."""
        network = self._network()
        network.concepts.speak_of_everything()
        return network

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        stored(network, path, frozen="sound")

    @cached_property
    def _run(self) -> Runner:
        return Runner(self._network(), self.execution)

    def _network(self) -> Sounds:
        return loaded(lambda state: Sounds(*sizes_in(state)), self.weights, self.modality, frozen="sound")
