from pathlib import Path

import pytest
import torch
from situations import clip
from torch import nn

from operators.encoders.mini.audio import MiniAudio
from operators.encoders.mini.efficientnet import HEAD, MIDDLE_CHANNELS, EfficientNetLite0
from operators.encoders.mini.features import Networks, kept, truth_of
from operators.encoders.mini.sight import GRID
from operators.encoders.mini.spectrum import FEATURES as MOTION
from operators.encoders.mini.yamnet import CLASSES, FEATURES, YamNet

WIDTHS = {
    "vision": {"cells": MIDDLE_CHANNELS * GRID**2, "features": 2 * HEAD},
    "audio": {"features": 2 * FEATURES, "scores": CLASSES},
    "imu": {"features": MOTION},
}


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.manual_seed(0)
    states = []
    for network in (EfficientNetLite0(), YamNet()):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        states.append(network.state_dict())
    return Networks(*states)


@pytest.mark.parametrize("sense", WIDTHS)
def test_each_clip_has_a_row_of_its_own(networks: Networks, sense: str) -> None:
    clips = [clip(sense, seed) for seed in range(18)]  # more than a batch
    together = networks(sense, clips)
    assert {name: tensor.shape for name, tensor in together.items()} == {
        name: (18, width) for name, width in WIDTHS[sense].items()
    }
    alone = networks(sense, clips[17:])
    for name, tensor in together.items():
        torch.testing.assert_close(tensor[17:], alone[name], atol=2e-2, rtol=2e-2)
        assert tensor.dtype == torch.float16
    assert (together["features"][0] - together["features"][17]).abs().max() > 0.01


@pytest.mark.parametrize("sense", ["vision", "thermal", "depth"])
def test_cells_are_deviations_from_the_mean_of_their_channel(networks: Networks, sense: str) -> None:
    cells = networks(sense, [clip(sense)])["cells"].float().view(MIDDLE_CHANNELS, -1)
    assert cells.mean(1).abs().max() < 1e-2 * cells.std()
    assert cells.std() > 0.01


def test_features_of_sound_are_means_and_maxima_over_patches(networks: Networks) -> None:
    found = networks("audio", [clip("audio")])
    sound = networks._sound(torch.from_numpy(MiniAudio().prepare(clip("audio")))[None])
    torch.testing.assert_close(found["features"][0, :FEATURES].float(), sound[0][0].mean(0), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(found["features"][0, FEATURES:].float(), sound[0][0].amax(0), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(found["scores"][0].float(), sound[1][0].amax(0), atol=1e-2, rtol=1e-2)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.safetensors"
    assert kept(path) is None
    made = {"features": torch.arange(6).view(2, 3).T}
    kept(path, made)
    found = kept(path)
    assert found is not None
    assert torch.equal(found["features"], made["features"])
    assert [each.name for each in path.parent.iterdir()] == ["b.safetensors"]
    path.write_bytes(path.read_bytes()[:40])
    assert kept(path) is None


def test_truth_is_a_row_a_clip_and_a_column_a_label() -> None:
    assert truth_of([frozenset({"b"}), frozenset(), frozenset({"a", "c"})], ["a", "b"]).tolist() == [
        [0, 1],
        [0, 0],
        [1, 0],
    ]
    assert truth_of([], ["a", "b"]).shape == (0, 2)
