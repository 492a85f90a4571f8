"""Cross-modal attention: every sense looks at every other, and one vector comes out.

M = embeddings of a window, D = dimension.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.messages import Array, Embedding, Observation, Window


class CrossAttention:
    """Scaled dot-product attention among a window's embeddings; the fused vector is the mean of what they attend to.

    Queries, keys and values are the embeddings themselves: there is nothing trained in it. A topic's weight is the
    mean attention it gets, so a sense that others agree with speaks louder. A low ``temperature`` makes each
    embedding look at itself alone, hence equal weights; a high one gives the plain mean.
    The order of the embeddings changes nothing.
    """

    def __init__(self, temperature: float = 0.5) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature {temperature} must be above 0")
        self.temperature = temperature
        self._dim = 0

    def __call__(self, window: Window, embeddings: Sequence[Embedding]) -> Observation:
        """Return the observation of ``window``. Without embeddings ``fused`` is zeros, as many as ever were seen."""
        embeddings = sorted(embeddings, key=lambda embedding: embedding.topic)
        fused, weights = np.zeros(self._dim, np.float32), np.zeros(0)
        if embeddings:
            fused, weights = self._attend(np.stack([embedding.vector for embedding in embeddings]).astype(np.float64))
            self._dim = len(fused)
        topics = [embedding.topic for embedding in embeddings]
        return Observation(
            window=window,
            embeddings=dict(zip(topics, embeddings, strict=True)),
            fused=fused,
            weights=dict(zip(topics, weights.tolist(), strict=True)),
        )

    def _attend(self, x_MD: Array) -> tuple[Array, Array]:
        """Return the fused (D,) float32 and the weights (M,)."""
        scores_MM = np.exp((x_MD @ x_MD.T - 1) / self.temperature)  # a cosine is at most 1: nothing overflows
        attention_MM = scores_MM / scores_MM.sum(1, keepdims=True)
        weights_M = attention_MM.mean(0)
        mean_D = weights_M @ x_MD
        norm = np.linalg.norm(mean_D)
        if norm < 1e-6:  # opposites cancel out: the first one speaks
            mean_D, norm = x_MD[0], np.linalg.norm(x_MD[0])
        return (mean_D / norm).astype(np.float32), weights_M
