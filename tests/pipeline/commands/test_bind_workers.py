from pathlib import Path

import numpy as np
import pytest
from teachable import DIM, Warmth

from operators.binding.pairs import Pairs
from operators.binding.recipe import Recipe
from operators.binding.trainer import Progress, Trainer
from pipeline.commands.bind.workers import learn_together
from pipeline.config import Part
from pipeline.errors import EngineError

pytest.importorskip("pyarrow", reason="Ray Train is not installed")

PART = Part("teachable:Warmth")
RECIPE = Recipe(batch=16, epochs=4, rate=0.01, temperature=0.2, decay=0.0)


def pairs(seed: int, number: int = 64) -> Pairs:
    """Warmth says how far along a bow an anchor lies."""
    rng = np.random.default_rng(seed)
    levels = rng.random((number, 1)).astype(np.float32)
    anchors = np.zeros((number, DIM), np.float32)
    anchors[:, :2] = np.hstack([np.cos(levels), np.sin(levels)])
    return Pairs([f"{seed} {n}" for n in range(number)], levels, anchors, [])


@pytest.mark.slow
def test_two_workers_learn_what_one_does(tmp_path: Path) -> None:
    learned, held = pairs(0), pairs(1)
    told: list[Progress] = []
    learn_together(PART, "thermal", RECIPE, (learned, held), tmp_path / "two", 2, told.append)
    one = Trainer(Warmth().network(), "thermal", RECIPE, learned, held, tmp_path / "one")
    alone = list(one.run())
    assert [step.step for step in told] == list(range(1, 17))
    np.testing.assert_allclose([step.loss for step in told], [step.loss for step in alone], rtol=1e-4)
    after = Trainer(Warmth().network(), "thermal", RECIPE, learned, held, tmp_path / "two")
    assert after.history == told
    np.testing.assert_allclose(after.vectors(), one.vectors(), atol=1e-3)


@pytest.mark.slow
def test_a_worker_that_fails_says_why(tmp_path: Path) -> None:
    spoilt = Pairs(pairs(0).names, np.full_like(pairs(0).inputs, np.nan), pairs(0).anchors, [])
    with pytest.raises(EngineError, match=r"a worker failed: .*lower recipe\.rate"):
        learn_together(PART, "thermal", RECIPE, (spoilt, pairs(1)), tmp_path, 2, print)
