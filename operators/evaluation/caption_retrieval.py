"""Retrieval between sentences and what they describe.

Q = captions, N = things.
"""

from collections.abc import Sequence

import numpy as np

from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, Row, Table
from operators.evaluation.retrieval import curve, ranks, recalls
from operators.sets.item import Item

LONGEST_CURVE = 50


def caption_retrieval(embedder: Embedder, items: Sequence[Item], modality: str) -> Outcome:
    """Return how well each caption finds its thing among all, and back: each thing any of its captions among all."""
    embedded = embedder.embed((item for item in items if item.captions), modality)
    told = [(place, caption) for place, item in enumerate(embedded.items) for caption in item.captions]
    belongs_QN = np.array([place for place, _ in told])[:, np.newaxis] == np.arange(len(embedded.items))
    scores_QN = embedder.sentences([caption for _, caption in told]) @ embedded.means.T
    found = {"": ranks(scores_QN, belongs_QN), "back_": ranks(scores_QN.T, belongs_QN.T)}
    names = {"": f"text → {modality}", "back_": f"{modality} → text"}
    figures = {name: value for prefix, of in found.items() for name, value in recalls(of, prefix).items()}
    number = len(embedded.items)
    rows: list[Row] = [(names[prefix], *recalls(of).values()) for prefix, of in found.items()]
    return Outcome(
        figures=figures | {"chance_r1": 1 / number, "n": float(number), "captions": float(len(told))},
        tables=[Table(f"text and {modality}", ("from → to", "R@1", "R@5", "R@10"), rows)],
        curves={names[prefix]: curve(of, min(LONGEST_CURVE, number)) for prefix, of in found.items()},
    )
