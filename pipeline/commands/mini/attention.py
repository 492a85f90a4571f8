"""How much each sense of the simulated rig counts, learned in worlds that no test is on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from operators.encoders.mini.queries import fit_queries
from operators.encoders.mini.storage import write
from operators.evaluation.classification import class_vectors
from operators.evaluation.embedder import Embedder
from pipeline.commands.eval.simulator import SENTENCES
from pipeline.commands.eval.worlds import joined, look
from pipeline.config import Config
from sensors.simulator.scenario import SENSED

SEEDS = range(1100, 1106)
"""Rovers in even ones, drones in odd ones; neither those that encoders learn from nor those that tests are on."""

SECONDS = 120.0


def learn_attention(embedder: Embedder, config: Config, path: Path, seeds: Sequence[int] = SEEDS) -> None:
    """Write the queries of ``CrossAttention`` for the encoders of ``embedder`` to ``path``."""
    seen = joined([look(embedder, config, seed, SECONDS, SENSED, tuple(SENTENCES)) for seed in seeds])
    vectors = {sense: torch.from_numpy(np.asarray(rows, np.float32)) for sense, rows in seen.vectors.items()}
    sentences = torch.from_numpy(class_vectors(embedder.sentences, SENTENCES))
    write(path, fit_queries(vectors, torch.from_numpy(seen.truth).float(), sentences))
