import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn
from torch.nn import functional

from operators.binding.loss import info_nce

B, D, TEMPERATURE = 6, 8, 0.2


def rows(seed: int, number: int = B) -> Tensor:
    return functional.normalize(torch.randn(number, D, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_it_is_the_mean_of_both_directions_negative_log_probability() -> None:
    vectors, anchors = rows(0), rows(1)
    logits = (vectors @ anchors.T / TEMPERATURE).double()
    own = logits.diag()
    there, back = (logits.exp().sum(axis).log() - own for axis in (1, 0))
    expected = (there.mean() + back.mean()) / 2
    torch.testing.assert_close(info_nce(vectors, anchors, TEMPERATURE).double(), expected)


def test_pairs_of_one_anchor_do_not_repel_each_other() -> None:
    anchors = rows(1, 3).repeat(2, 1)
    assert info_nce(anchors, anchors, 0.01) < 1e-6
    apart = rows(1)
    assert info_nce(apart.flip(0), apart, 0.01) > 1


def part(rank: int, folder: str) -> None:
    os.environ["USE_LIBUV"] = "0"
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    vectors = rows(0)[rank * 3 : rank * 3 + 3].requires_grad_()
    loss = info_nce(vectors, rows(1)[rank * 3 : rank * 3 + 3], TEMPERATURE)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.save((loss.detach(), vectors.grad), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_find_the_loss_and_the_mean_gradient_of_one(tmp_path: Path) -> None:
    spawn(part, (str(tmp_path),), nprocs=2)  # type: ignore[no-untyped-call]
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    vectors = rows(0).requires_grad_()
    whole = info_nce(vectors, rows(1), TEMPERATURE)
    whole.backward()  # type: ignore[no-untyped-call]
    assert [float(loss) for loss, _ in found] == pytest.approx([float(whole.detach())] * 2)
    torch.testing.assert_close(torch.cat([gradient for _, gradient in found]) / 2, vectors.grad)
