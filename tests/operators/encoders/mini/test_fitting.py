import pytest
import torch
from torch import Tensor
from torch.nn import functional

from operators.encoders.mini import fitting
from operators.encoders.mini.concepts import Concepts
from operators.encoders.mini.fitting import (
    Examples,
    fit_concepts,
    fit_layouts,
    fit_meaning,
    fit_prototypes,
    mirrored,
    whitening,
)
from operators.encoders.mini.joint import MEANING

WIDTH, FEATURES, CELLS = 384, 100, 512
STEPS = 150


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def things(seed: int = 0, number: int = 600) -> Examples:
    """Three labels, of which one to none are true; features are far from 0 and of unlike size."""
    generator = torch.Generator().manual_seed(seed)
    truth = functional.one_hot(torch.randint(4, (number,), generator=generator), 4)[:, :3].float()
    features = torch.randn(number, FEATURES, generator=generator) + truth @ drawn(3, FEATURES, seed=7)
    return Examples((features + 5) * torch.linspace(0.5, 2, FEATURES), truth)


def test_whitened_names_differ_along_every_axis_by_itself() -> None:
    names = drawn(4000, WIDTH) * torch.logspace(-1, 0.5, WIDTH) + 3
    weight, bias = whitening([names])
    assert weight.shape == (MEANING, WIDTH)
    white = names @ weight.T + bias
    covariance = white.T @ white / len(white)
    variances = covariance.diagonal()
    torch.testing.assert_close(white.mean(0), torch.zeros(MEANING), atol=1e-4, rtol=0)
    torch.testing.assert_close(covariance, torch.diag(variances), atol=1e-3, rtol=0)
    assert (variances.diff() > -1e-3).all()
    assert 0 < variances.min() < variances.max() < 1  # a weak axis is not blown up to the size of a strong one


def test_every_sense_has_one_voice_in_the_whitening_however_many_names_it_knows() -> None:
    few, many = drawn(400, WIDTH), drawn(300, WIDTH, seed=1) * 2 + 1
    once, often = whitening([few, many]), whitening([few, many.repeat(9, 1)])
    for white in (once, often):
        both = torch.cat([few.mean(0, keepdim=True), many.mean(0, keepdim=True)]) @ white[0].T + white[1]
        torch.testing.assert_close(both[0], -both[1], atol=1e-3, rtol=0)
    torch.testing.assert_close(once[0].T @ once[0], often[0].T @ often[0], atol=1e-3, rtol=0)


def test_concepts_are_learned_from_features_as_they_are() -> None:
    layer = fit_concepts([things()], steps=STEPS)
    unseen = things(seed=1)
    right = ((layer(unseen.features) > 0) == (unseen.truth > 0)).float().mean()
    assert right > 0.97
    assert unseen.truth.mean() < 0.3


def test_a_small_set_is_drawn_from_as_often_as_a_large_one() -> None:
    large, small = things(), things(seed=1)
    doubted = Examples(small.features[:60], 1 - small.truth[:60])
    layer = fit_concepts([large, doubted], steps=STEPS)
    alone = fit_concepts([large], steps=STEPS)
    assert ((layer(doubted.features) > 0) == (doubted.truth > 0)).float().mean() > 0.5
    assert ((alone(doubted.features) > 0) == (doubted.truth > 0)).float().mean() < 0.2


def test_what_was_learned_from_is_familiar_and_nothing_else() -> None:
    seen, unseen = things(), things(seed=1)
    concepts = Concepts(1, FEATURES, 3)
    concepts.load_state_dict(concepts.state_dict() | fit_prototypes([seen], seed=0))
    middle = seen.features.mean(0)
    assert (concepts.familiar(seen.features) > 0).float().mean() > 0.8
    assert concepts.familiar(seen.features + 0.01 * unseen.features).mean() > 0.7
    assert not concepts.familiar(middle + 3 * (unseen.features - middle)).any()


def test_radii_are_bounded_in_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "RADII", (0.9, 1.1))
    radii = fit_prototypes([things()], seed=0)["radii"]
    assert radii.max() / radii.min() == pytest.approx(1.1 / 0.9, rel=1e-4)


def test_meaning_is_that_of_the_sentence_that_is_true() -> None:
    sentences = functional.normalize(drawn(4, MEANING, seed=2), dim=1)
    layer = fit_meaning([things()], sentences[:3], sentences[3], temperature=0.2, steps=STEPS)
    unseen = things(seed=1)
    found = (functional.normalize(layer(unseen.features), dim=1) @ sentences.T).argmax(1)
    due = torch.cat([unseen.truth, 1 - unseen.truth.sum(1, keepdim=True)], 1).argmax(1)
    assert (found == due).float().mean() > 0.95


def test_labels_of_one_meaning_do_not_push_each_other_away() -> None:
    sentences = functional.normalize(drawn(3, MEANING, seed=2), dim=1)
    twin = functional.normalize(sentences[0] + 0.01 * drawn(MEANING, seed=3), dim=0)
    layer = fit_meaning([things()], torch.stack([*sentences[:2], twin]), sentences[2], temperature=0.2, steps=STEPS)
    unseen = things(seed=1)
    of_both = functional.normalize(layer(unseen.features[unseen.truth[:, [0, 2]].sum(1) > 0]), dim=1)
    assert (of_both @ sentences[0]).mean() > 0.5


def recall(one: Tensor, other: Tensor) -> float:
    """Return the share of rows whose own counterpart is the nearest."""
    products = functional.normalize(one, dim=1) @ functional.normalize(other, dim=1).T
    return float((products.argmax(1) == torch.arange(len(one))).float().mean())


def scenes(seed: int) -> tuple[Tensor, Tensor]:
    """Return cells of pictures, and of another sense that shows much of them inverted, with noise."""
    pictures = drawn(500, CELLS, seed=seed) @ (drawn(CELLS, CELLS, seed=9) / CELLS**0.5)
    inverted = torch.where(torch.arange(CELLS) % 100 < 40, -1.0, 1.0)
    return pictures, pictures * inverted + 0.7 * drawn(500, CELLS, seed=seed + 1)


def test_layouts_of_two_senses_are_brought_together() -> None:
    deviation = torch.ones(CELLS)
    pictures, thermal = scenes(0)
    begun = fit_layouts(pictures, {"thermal": thermal}, deviation, steps=0)
    learned = fit_layouts(pictures, {"thermal": thermal}, deviation, steps=STEPS)
    assert learned.keys() == {"vision", "thermal"}
    unseen, of_unseen = scenes(3)
    before = recall(begun["vision"](unseen), begun["thermal"](of_unseen))
    after = recall(learned["vision"](unseen), learned["thermal"](of_unseen))
    assert after > before + 0.1, (before, after)


def test_deviations_put_loud_cells_in_proportion() -> None:
    loud = torch.logspace(-1, 1, CELLS)
    pictures, thermal = scenes(0)
    plain = fit_layouts(pictures, {"thermal": thermal}, torch.ones(CELLS), steps=0)["vision"](pictures)
    scaled = fit_layouts(pictures * loud, {"thermal": thermal * loud}, loud, steps=0)["vision"](pictures * loud)
    torch.testing.assert_close(plain, scaled, atol=1e-4, rtol=1e-4)


def test_mirrored_cells_are_those_of_the_mirrored_picture() -> None:
    cells = drawn(2, 3, 4, 4)
    assert torch.equal(mirrored(cells.flatten(1)), cells.flip(3).flatten(1))


def test_the_same_is_learned_twice_whatever_was_drawn_before() -> None:
    pictures, thermal = scenes(0)
    labels = functional.normalize(drawn(3, MEANING), dim=1)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        layouts = fit_layouts(pictures, {"thermal": thermal}, torch.ones(CELLS), steps=3)
        torch.manual_seed(seed)
        concepts = fit_concepts([things()], steps=3)
        torch.manual_seed(seed)
        meaning = fit_meaning([things()], labels, labels[0], 0.2, steps=3)
        found.append([layouts["vision"].weight, layouts["thermal"].weight, concepts.weight, meaning.weight])
    for once, again in zip(*found, strict=True):
        assert torch.equal(once, again)
