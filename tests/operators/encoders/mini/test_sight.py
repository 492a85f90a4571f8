import pytest
import torch
from torch import nn

from operators.encoders.mini.efficientnet import MIDDLE_CHANNELS
from operators.encoders.mini.joint import DIM, MEANING
from operators.encoders.mini.sight import GRID, Layout, Sight

GENERATOR = torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def sight() -> Sight:
    torch.manual_seed(0)
    network = Sight(learned=3).requires_grad_(False)
    for layer in network.trunk.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    network.concepts.names.data = torch.randn(network.concepts.names.shape, generator=GENERATOR)
    return network


def test_an_image_of_one_value_a_pixel_is_seen_as_a_grey_picture(sight: Sight) -> None:
    image = torch.rand(2, 1, 96, 64, generator=GENERATOR)
    vectors = sight(image)
    torch.testing.assert_close(vectors, sight(255 * image.expand(-1, 3, -1, -1)))
    assert vectors.shape == (2, DIM)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert vectors[0] @ vectors[1] < 0.9999


def test_layout_is_told_by_where_things_are_and_not_by_what_they_are_of() -> None:
    layout = Layout().requires_grad_(False)
    middle = torch.rand(1, MIDDLE_CHANNELS, 14, 14, generator=GENERATOR)
    tinted = middle + torch.rand(1, MIDDLE_CHANNELS, 1, 1, generator=GENERATOR)
    torch.testing.assert_close(layout(tinted), layout(middle), atol=1e-5, rtol=1e-4)
    assert (layout(middle.flip(3)) - layout(middle)).abs().max() > 1e-3
    assert layout.project.in_features == MIDDLE_CHANNELS * GRID**2


def test_meaning_is_what_the_known_classes_are_called(sight: Sight) -> None:
    picture = 255 * torch.rand(1, 3, 64, 64, generator=GENERATOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sight.classes.bias, "data", torch.zeros(1000).index_fill(0, torch.tensor([7]), 1e4))
        meaning = sight(picture)[0, :MEANING]
    alike = torch.cosine_similarity(meaning[None], sight.concepts.names[:1000])
    assert alike.argmax() == 7
    assert alike[7] > 0.999
