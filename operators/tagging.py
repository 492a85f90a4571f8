"""What it is called: zero-shot tags from sentences in the same space.

K = labels, B = background sentences, D = dimension.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from operators.encoders.presets import built, preset
from operators.episodes import Episodes
from pipeline.messages import Array, Event, Observation, TextEncoder

LABELS = {
    "person": ["a person walking", "people talking"],
    "animal": ["an animal", "a dog barking"],
    "vehicle": ["a vehicle driving by", "the sound of an engine"],
    "fire": ["a fire burning", "flames and smoke"],
    "alarm": ["an alarm sounding", "a siren"],
    "breaking glass": ["glass breaking", "a window shatters"],
}

MINI_TEXT = preset("mini")["text"]

BACKGROUND = ["nothing unusual", "an empty scene", "background noise"]


class Tagger:
    """Opens an event for every label whose sentences describe a window better than the background's do.

    A label's probability is the softmax of its cosine to the fused vector, over ``temperature``, against those of the
    ``background`` sentences; labels do not compete, for a person may stand beside a fire. A label's vector is the
    normalised mean of its sentences'. Its event opens at ``threshold``, lasts while the probability stays above
    ``release``, and closes after ``quiet`` windows below. Evidence is each topic's own cosine to the label.

    ``text`` is the encoder of its sentences, ``use`` and ``params``; in a line it is that of the model. With one that
    has placeholder weights no label stands out from the background, and the tagger abstains.
    """

    def __init__(
        self,
        labels: Mapping[str, list[str]] = LABELS,
        background: Sequence[str] = BACKGROUND,
        threshold: float = 0.9,
        release: float = 0.7,
        temperature: float = 0.02,
        quiet: int = 2,
        text: Mapping[str, Any] = MINI_TEXT,
        source: str = "tagging",
    ) -> None:
        if empty := [label for label, sentences in labels.items() if not sentences]:
            raise ValueError(f"labels {', '.join(empty)} have no sentence")
        if not background:
            raise ValueError("background has no sentence to compare with")
        if not 0 < release <= threshold <= 1:
            raise ValueError(f"release {release} and threshold {threshold}: 0 < release <= threshold <= 1")
        if min(temperature, quiet) <= 0:
            raise ValueError(f"temperature {temperature} and quiet {quiet} must be above 0")
        self.labels = labels
        self.background = background
        self.threshold = threshold
        self.release = release
        self.temperature = temperature
        self.quiet = quiet
        self.text = text
        self.source = source
        self._encoder: TextEncoder = built(text)
        self._sentences = self._vectors()  # now: the first window should not wait for it
        self._episodes = [Episodes(f"{source}/{label}", label, source, quiet) for label in labels]

    def __call__(self, observation: Observation) -> list[Event]:
        """Compare the fused vector with every label; a window that nobody answered for has none."""
        probabilities = self._probabilities(observation.fused)
        events: list[Event] = []
        for row, (episodes, probability) in enumerate(zip(self._episodes, probabilities, strict=True)):
            if probability >= (self.release if episodes.is_open else self.threshold):
                evidence = _cosines(observation, self._sentences[0][row])
                events += episodes.seen(observation.window, probability, evidence)
            else:
                events += episodes.missed()
        return events

    def finish(self) -> list[Event]:
        """Close what is open."""
        return [event for episodes in self._episodes for event in episodes.finish()]

    def _probabilities(self, fused_D: Array) -> list[float]:
        """Return one probability per label; 0 if there is nothing to compare."""
        if not fused_D.any():
            return [0.0] * len(self._episodes)
        if len(fused_D) != self._encoder.dim:
            due = self._encoder.dim
            raise ValueError(f"{self.text['use']} gives vectors of {due}, those observed have {len(fused_D)}")
        labels_KD, background_BD = self._sentences
        background = np.logaddexp.reduce(background_BD @ fused_D / self.temperature)
        probabilities: list[float] = expit(labels_KD @ fused_D / self.temperature - background).tolist()
        return probabilities

    def _vectors(self) -> tuple[Array, Array]:
        """Return the labels' vectors (K, D) and the background's (B, D)."""
        means = [self._embed(sentences).mean(0) for sentences in self.labels.values()]
        return np.array([mean / np.linalg.norm(mean) for mean in means]), self._embed(self.background)

    def _embed(self, sentences: Sequence[str]) -> Array:
        return self._encoder.embed(self._encoder.tokenize(sentences)).astype(np.float64)


def _cosines(observation: Observation, label_D: Array) -> dict[str, float]:
    return {topic: float(label_D @ embedding.vector) for topic, embedding in observation.embeddings.items()}
