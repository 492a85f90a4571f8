"""Motion for ``mini``: spectra of acceleration and rotation."""

from functools import cached_property
from pathlib import Path

from msgspec.structs import replace
from torch import Tensor, nn

from operators.encoders.execution import Runner
from operators.encoders.imu import ImuEncoder
from operators.encoders.mini.joint import DIM, MEANING, joined, one_by_one
from operators.encoders.mini.spectrum import FEATURES, SECONDS, STEPS, Spectrum
from operators.encoders.mini.storage import loaded, stored
from pipeline.messages import NS, Array, Clip, Execution


class Motions(nn.Module):
    """Motion (N, 6, 1000) to vectors (N, D)."""

    heads = ("meaning",)

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.meaning = nn.Linear(FEATURES, MEANING)

    def forward(self, motion: Tensor) -> Tensor:
        seen = self.see(motion)
        return self.read(seen) if self.training else one_by_one(self.read, seen)

    def see(self, motion: Tensor) -> Tensor:
        """Return (N, F): spectra."""
        features: Tensor = self.spectrum(motion)
        return features

    def read(self, seen: Tensor) -> Tensor:
        """Return (N, D) for what was felt."""
        return joined(self.meaning(seen))


class MiniImu:
    """The last five seconds of a clip, acceleration with gravity in m/s² and rotation in rad/s; see ``ImuEncoder``.

    A shorter clip is preceded by its first reading. No ``weights``: those that are shipped. Always computed in float32:
    readings have more digits than half precision keeps, and there is little to be saved.
    """

    modality: str = "imu"

    def __init__(self, weights: str = "", execution: Execution = Execution()) -> None:
        self._front = ImuEncoder(steps=STEPS)
        self.weights = weights
        self.execution = execution

    @property
    def dim(self) -> int:
        return DIM

    def prepare(self, clip: Clip) -> Array:
        """Return (6, 1000) float32; raise ValueError as ``ImuEncoder`` does."""
        start = clip.end - SECONDS * NS
        samples = tuple(sample for sample in clip.samples if sample.stamp >= start)
        return self._front.prepare(replace(clip, start=start, samples=samples))

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 6, 1000)."""
        return self._run(batch)

    def rows_at_once(self) -> int:
        """Return how many clips ``embed`` may be given together without changing a bit of any vector."""
        return self._run.rows_at_once((6, STEPS), 10.0)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained."""
        return loaded(lambda _: Motions(), self.weights, self.modality)

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        stored(network, path)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self.network(), replace(self.execution, dtype="float32"))
