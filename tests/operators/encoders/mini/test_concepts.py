import pytest
import torch
from torch import Tensor

from operators.encoders.mini.concepts import BEYOND, PROTOTYPES, Concepts, sizes_in
from operators.encoders.mini.joint import MEANING

KNOWN, FEATURES, LEARNED = 5, 8, 2
CERTAIN = 50.0


@pytest.fixture
def concepts() -> Concepts:
    """Names are axes; the first learned concept is certain wherever the first feature is above 0."""
    found = Concepts(KNOWN, FEATURES, LEARNED)
    found.names.data = torch.eye(KNOWN + LEARNED, MEANING)
    found.learned.weight.data = torch.zeros(LEARNED, FEATURES)
    found.learned.weight.data[0, 0] = CERTAIN
    found.learned.bias.data = torch.tensor([0.0, -CERTAIN])
    found.scale.data = torch.full((FEATURES,), 2.0)
    found.prototypes.data += 100.0
    found.prototypes.data[0] = 0.0
    found.prototypes.data[0, 0] = 2.0
    return found.requires_grad_(False)


def features(*first: float) -> Tensor:
    return torch.tensor([[value, *[0.0] * (FEATURES - 1)] for value in first])


KNOWN_ONES = torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.0]])


def test_far_from_what_was_learned_only_known_classes_speak(concepts: Concepts) -> None:
    meaning = concepts(KNOWN_ONES, features(30.0))
    torch.testing.assert_close(meaning[:, :KNOWN], KNOWN_ONES)
    assert not meaning[:, KNOWN:].any()


def test_a_sure_concept_silences_the_known_classes(concepts: Concepts) -> None:
    meaning = concepts(KNOWN_ONES, features(1.0))
    assert meaning[0, KNOWN] == pytest.approx(1)
    assert meaning[0, :KNOWN].abs().max() < 1e-6


def test_an_unsure_concept_leaves_the_known_classes_the_rest(concepts: Concepts) -> None:
    concepts.learned.weight.data[0, 0] = 0.0
    meaning = concepts(KNOWN_ONES, features(1.0))
    torch.testing.assert_close(meaning[:, :KNOWN], 0.5 * KNOWN_ONES)
    assert meaning[0, KNOWN] == pytest.approx(0.5)


def test_familiarity_fades_out_beyond_the_radius_of_scaled_features(concepts: Concepts) -> None:
    inside, edge, beyond = 1.49, 1.5 + BEYOND / 4, 1.5 + BEYOND
    found = concepts.familiar(features(inside, edge, beyond, -30.0))[:, 0]
    torch.testing.assert_close(found, torch.tensor([1.0, 0.5, 0.0, 0.0]), atol=1e-3, rtol=0)


def test_number_of_concepts_is_read_from_weights(concepts: Concepts) -> None:
    state = {f"concepts.{name}": tensor for name, tensor in concepts.state_dict().items()}
    assert sizes_in(state) == (LEARNED, PROTOTYPES)
    assert sizes_in({}) == (0, 0)


def test_without_prototypes_concepts_speak_of_everything() -> None:
    boundless = Concepts(KNOWN, FEATURES, LEARNED, prototypes=0)
    assert boundless.familiar(features(0.0, 1e4)).eq(1).all()
