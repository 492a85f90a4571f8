import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from operators.binding.pairs import Pairs
from operators.binding.recipe import Recipe
from operators.binding.trainer import PATIENCE, Trainer
from pipeline.messages import Array

D, WIDTH = 8, 12
RECIPE = Recipe(batch=16, epochs=6, rate=0.02, warmup=1.0, temperature=0.1, decay=0.0)


class Network(nn.Module):
    """Dropout makes each step depend on chance."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.drop, self.head = nn.Linear(WIDTH, 32), nn.Dropout(0.1), nn.Linear(32, D)

    def forward(self, x: Tensor) -> Tensor:
        return self.read(self.see(x))

    def see(self, x: Tensor) -> Tensor:
        return torch.relu(self.trunk(x))

    def read(self, seen: Tensor) -> Tensor:
        y: Tensor = self.head(self.drop(seen))
        return y


def pairs(seed: int, number: int = 100) -> Pairs:
    """Inputs are a fixed map of their anchors, and some noise."""
    rng = np.random.default_rng(seed)
    anchors = rng.normal(size=(number, D)).astype(np.float32)
    anchors /= np.linalg.norm(anchors, axis=1, keepdims=True)
    turn: Array = np.random.default_rng(7).normal(size=(D, WIDTH))
    inputs = (anchors @ turn + 0.05 * rng.normal(size=(number, WIDTH))).astype(np.float32)
    return Pairs([f"pair {seed} {n}" for n in range(number)], inputs, anchors, [])


def trainer(folder: Path, recipe: Recipe = RECIPE, learned: Pairs | None = None) -> Trainer:
    return Trainer(Network(), "force", recipe, learned or pairs(0), pairs(1, 50), folder)


def numbers(of: Trainer) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in of.finished().state_dict().values())


def test_what_was_not_learned_from_is_found_by_its_anchor(tmp_path: Path) -> None:
    one = trainer(tmp_path)
    assert one.recall() < 0.2
    told = list(one.run())
    assert one.recall() > 0.8
    assert told[-1].loss < told[0].loss / 2
    assert [progress.recall is not None for progress in told].count(True) == RECIPE.epochs
    assert told[-1].step == told[-1].steps == one.steps


@pytest.mark.parametrize("mode", ["full", "head", "lora"])
def test_all_modes_learn(tmp_path: Path, mode: str) -> None:
    recipe = Recipe(batch=16, epochs=20, rate=0.05, warmup=1.0, temperature=0.1, decay=0.0, mode=mode)  # type: ignore[arg-type]
    one = trainer(tmp_path, recipe)
    before = one.recall()
    list(one.run())
    assert one.recall() > before + 0.3
    assert set(one.finished().state_dict()) == set(Network().state_dict())


def test_the_rate_rises_to_its_peak_and_falls_to_nothing(tmp_path: Path) -> None:
    rates = [progress.rate for progress in trainer(tmp_path).run()]
    assert max(rates) == pytest.approx(RECIPE.rate)
    assert rates[0] < RECIPE.rate / 5
    assert rates[-1] < RECIPE.rate / 50
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_a_run_that_was_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    list(whole.run())
    for progress in trainer(tmp_path / "parts").run():
        if progress.step == 14:
            break
    rest = trainer(tmp_path / "parts")
    assert rest.history[-1].step == 12
    list(rest.run())
    assert numbers(rest) == numbers(whole)
    assert [progress.loss for progress in rest.history] == [progress.loss for progress in whole.history]


SCRIPT = """
import sys
from pathlib import Path
import torch
from test_trainer import trainer
torch.set_num_threads(1)
for progress in trainer(Path(sys.argv[1])).run():
    print(progress.step, flush=True)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path: Path) -> None:
    for steps in (3, 17, 0):  # 0 lets it end
        run_until(steps, tmp_path / "killed")
    run_until(0, tmp_path / "whole")
    assert numbers(trainer(tmp_path / "killed")) == numbers(trainer(tmp_path / "whole"))


def run_until(steps: int, folder: Path) -> None:
    """Kill a trainer in a process of its own when it has told of ``steps`` steps."""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parents[2])])}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for told, _ in enumerate(process.stdout, 1):
            if told == steps:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == (-signal.SIGKILL if steps else 0)


def test_a_checkpoint_that_was_cut_off_in_writing_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.part").write_bytes(b"half")
    list(trainer(tmp_path).run())
    assert trainer(tmp_path).history[-1].step == trainer(tmp_path).steps


@pytest.mark.parametrize(
    ("recipe", "learned", "told"),
    [(Recipe(batch=16, epochs=7), pairs(0), "recipe"), (RECIPE, pairs(2), "pairs")],
)
def test_a_run_of_another_recipe_or_other_pairs_is_refused(
    tmp_path: Path, recipe: Recipe, learned: Pairs, told: str
) -> None:
    list(trainer(tmp_path).run())
    with pytest.raises(ValueError, match=f"checkpoint.pt: holds a run of another {told}"):
        trainer(tmp_path, recipe, learned)


def spoilt(number: int) -> Pairs:
    whole = pairs(0)
    whole.inputs[:number] = np.nan
    return whole


def test_a_step_without_a_finite_loss_is_left_out_and_its_pairs_are_named(tmp_path: Path) -> None:
    one = trainer(tmp_path, learned=spoilt(1))
    told = list(one.run())
    assert len(one.troubles) == told[-1].skipped == RECIPE.epochs
    assert "pair 0 " in one.troubles[0]
    assert one.recall() > 0.7
    assert trainer(tmp_path, learned=spoilt(1)).troubles == one.troubles


def test_after_several_it_stops_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{PATIENCE} steps in a row had no finite loss.*lower recipe.rate"):
        list(trainer(tmp_path, learned=spoilt(100)).run())


def test_bfloat16_learns_as_well(tmp_path: Path) -> None:
    one = trainer(tmp_path, Recipe(batch=16, epochs=6, rate=0.02, temperature=0.1, decay=0.0, dtype="bfloat16"))
    list(one.run())
    assert one.recall() > 0.7


def test_inputs_of_one_label_count_as_found_if_any_of_its_anchors_is_nearest(tmp_path: Path) -> None:
    held = pairs(1, 50)
    alike = Pairs(held.names, held.inputs, np.repeat(held.anchors[:2], 25, axis=0), [])
    assert Trainer(Network(), "force", RECIPE, pairs(0), alike, tmp_path).recall() >= 0.3
