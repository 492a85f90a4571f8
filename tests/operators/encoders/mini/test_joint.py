import pytest
import torch

from operators.encoders.mini.joint import DIM, LAYOUT, MEANING, SHARE, joined

GENERATOR = torch.Generator().manual_seed(0)


def drawn(width: int) -> torch.Tensor:
    return 7 * torch.randn(3, width, generator=GENERATOR)


def test_rows_are_unit_vectors_with_and_without_layout() -> None:
    for vectors in (joined(drawn(MEANING)), joined(drawn(MEANING), drawn(LAYOUT))):
        assert vectors.shape == (3, DIM)
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))


def test_a_sentence_is_told_the_same_share_of_every_image() -> None:
    meaning = drawn(MEANING)
    products = joined(meaning, drawn(LAYOUT)) @ joined(meaning).T
    torch.testing.assert_close(products.diagonal(), torch.full((3,), SHARE**0.5))


def test_two_images_share_meaning_and_layout_in_proportion() -> None:
    one, other, layout = drawn(MEANING), drawn(MEANING), drawn(LAYOUT)
    cosines = torch.cosine_similarity(one, other)
    products = (joined(one, layout) * joined(other, layout)).sum(1)
    torch.testing.assert_close(products, SHARE * cosines + 1 - SHARE)


def test_what_has_no_direction_stays_zeros() -> None:
    assert not joined(torch.zeros(1, MEANING)).any()
    assert joined(torch.zeros(1, MEANING), torch.ones(1, LAYOUT)).norm().item() == pytest.approx((1 - SHARE) ** 0.5)
