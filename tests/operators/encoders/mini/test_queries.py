import torch
from torch import Tensor
from torch.nn import functional

from operators.encoders.mini.queries import fit_queries

N, D = 600, 16
LABELS = torch.eye(4, D)


def worlds(seed: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """Two senses: one hears what happens when it is loud, which its last number says; the other one is noise."""
    generator = torch.Generator().manual_seed(seed)
    truth = functional.one_hot(torch.randint(4, (N,), generator=generator), 4).float()
    loud = torch.rand(N, generator=generator) < 0.5
    noise = [torch.randn(N, D, generator=generator) for _ in range(2)]
    heard = torch.where(loud[:, None], 2 * truth @ LABELS + 0.3 * noise[0], noise[0])
    heard[:, -1] = torch.where(loud, 2.0, -2.0)
    senses = {"audio": functional.normalize(heard, dim=1), "imu": functional.normalize(noise[1], dim=1)}
    return senses, truth


def weight_of_audio(found: dict[str, Tensor], senses: dict[str, Tensor]) -> Tensor:
    scores = [senses[sense] @ found[f"{sense}.query"] + found[f"{sense}.bias"] for sense in ("audio", "imu")]
    return torch.stack(scores, 1).softmax(1)[:, 0]


def test_who_knows_counts_more_and_when_it_knows() -> None:
    senses, truth = worlds()
    found = fit_queries(senses, truth, LABELS)
    unseen, _ = worlds(seed=1)
    weights, loud = weight_of_audio(found, unseen), unseen["audio"][:, -1] > 0
    assert weights[loud].mean() > 0.52
    assert weights[loud].mean() > weights[~loud].mean() + 0.03


def test_windows_without_a_sense_or_an_answer_spoil_nothing() -> None:
    senses, truth = worlds()
    expected = fit_queries(senses, truth, LABELS)
    holes = {sense: rows.clone() for sense, rows in senses.items()}
    holes["imu"][::7] = torch.nan
    for rows in holes.values():
        rows[3] = torch.nan
    truth[::11, 2] = torch.nan
    found = fit_queries(holes, truth, LABELS)
    assert all(torch.isfinite(tensor).all() for tensor in found.values())
    assert torch.cosine_similarity(found["audio.query"], expected["audio.query"], dim=0) > 0.7


def test_one_seed_gives_one_answer() -> None:
    one, other = (fit_queries(*worlds(), LABELS) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
