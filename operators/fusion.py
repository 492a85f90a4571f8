"""Cross-modal attention: one set of weights over the senses of a window, and one vector that comes out.

M = embeddings of a window, D = dimension.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pipeline.messages import Array, Embedding, Observation, Window

LEARNED = {"mini": Path(__file__).parent / "encoders" / "mini" / "weights" / "fusion.safetensors"}
"""Spaces that queries come along for."""


class CrossAttention:
    """The unit sum of a window's unit vectors, each as much as a learned query of its sense attends to it.

    Each sense asks its own vector how much it has to say: ``query · vector + bias``, and a softmax over all that are
    there shares out the attention; hence any subset of senses works. Queries are learned in one ``space``, and in
    another one, or for a sense that had none, say nothing: without them all senses count alike, which is the mean that
    ImageBind fuses by (arXiv 2305.05665, section 4.2). ``weights`` names a file of other queries.
    The order of the embeddings changes nothing. Raise OSError or ValueError for a file that is none.
    """

    def __init__(self, space: str = "", weights: str = "") -> None:
        path = Path(weights) if weights else LEARNED.get(space)
        self.space = space
        self.weights = weights
        self._queries = _read(path) if path else {}
        self._dim = 0

    def __call__(self, window: Window, embeddings: Sequence[Embedding]) -> Observation:
        """Return the observation of ``window``. Without embeddings ``fused`` is zeros, as many as ever were seen."""
        embeddings = sorted(embeddings, key=lambda embedding: embedding.topic)
        fused, weights = np.zeros(self._dim, np.float32), np.zeros(0)
        if embeddings:
            x_MD = np.stack([embedding.vector for embedding in embeddings]).astype(np.float64)
            scores_M = [self._score(embedding.modality, x) for embedding, x in zip(embeddings, x_MD, strict=True)]
            weights = np.exp(scores_M - np.max(scores_M))
            weights /= weights.sum()
            fused = _unit(weights @ x_MD, x_MD[0])
            self._dim = len(fused)
        topics = [embedding.topic for embedding in embeddings]
        return Observation(
            window=window,
            embeddings=dict(zip(topics, embeddings, strict=True)),
            fused=fused,
            weights=dict(zip(topics, weights.tolist(), strict=True)),
        )

    def _score(self, modality: str, x_D: Array) -> float:
        query_D, bias = self._queries.get(modality, self._queries.get("", (None, 0.0)))
        return bias if query_D is None or len(query_D) != len(x_D) else float(query_D @ x_D) + bias


Queries = Mapping[str, tuple[Array | None, float]]
"""By sense; that of no name is for senses that have none, and only a bias."""


def _read(path: Path) -> Queries:
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged, or no safetensors file: {error}") from error
    senses = sorted(name.removesuffix(".query") for name in state if name.endswith(".query"))
    if not senses or state.keys() != {f"{sense}.{part}" for sense in senses for part in ("query", "bias")}:
        raise ValueError(f"{path}: holds no queries, which are SENSE.query and SENSE.bias for each sense")
    found = {s: (state[f"{s}.query"].astype(np.float64), float(state[f"{s}.bias"])) for s in senses}
    return {"": (None, float(np.mean([bias for _, bias in found.values()])))} | found


def _unit(sum_D: Array, first_D: Array) -> Array:
    """Return (D,) float32 of unit length; where opposites cancel out, the first one speaks."""
    norm = np.linalg.norm(sum_D)
    whole_D, norm = (sum_D, norm) if norm > 1e-6 else (first_D, np.linalg.norm(first_D))
    unit_D: Array = (whole_D / norm).astype(np.float32)
    return unit_D
