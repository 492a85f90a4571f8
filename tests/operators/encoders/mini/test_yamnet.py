"""YAMNet beside the same written down again in numpy: random weights, in the layout of the published ones."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from operators.encoders.mini import conversion
from operators.encoders.mini.yamnet import CLASSES, FEATURES, STRIDES, WIDTHS, YamNet, patches_of
from pipeline.messages import Array

EPS = 1e-4


def arrays() -> list[Array]:
    """Random variables in TensorFlow's order: kernel, and of the norm beta, mean and variance."""
    rng = np.random.default_rng(0)
    found: list[Array] = []

    def add(shape: tuple[int, ...], fan: int, outputs: int) -> None:
        found.append(rng.normal(0, (2 / fan) ** 0.5, shape))
        found.extend(rng.normal(0, 0.1, outputs) for _ in range(2))
        found.append(rng.uniform(0.5, 1.5, outputs))

    add((3, 3, 1, WIDTHS[0]), 9, WIDTHS[0])
    for width, wider in pairwise(WIDTHS):
        add((3, 3, width, 1), 9, width)
        add((1, 1, width, wider), width, wider)
    return [*found, rng.normal(0, 0.03, (FEATURES, CLASSES)), rng.normal(0, 0.1, CLASSES)]


def windows(x_HWC: Array, stride: int) -> Array:
    """Return (rows, columns, C, 3, 3), padded as TensorFlow does: an even size of stride 2 only after."""
    pads = [(0, 1) if stride == 2 and size % 2 == 0 else (1, 1) for size in x_HWC.shape[:2]]
    x_HWC = np.pad(x_HWC, [*pads, (0, 0)])
    return np.lib.stride_tricks.sliding_window_view(x_HWC, (3, 3), (0, 1))[::stride, ::stride]


def reference(patch: Array, variables: list[Array]) -> tuple[Array, Array]:
    """Return features (1024,) and scores (521,) of a patch (96, 64)."""
    each: Iterator[Array] = iter(variables)

    def normed(x_HWC: Array) -> Array:
        beta, mean, variance = next(each), next(each), next(each)
        clipped: Array = np.maximum((x_HWC - mean) / np.sqrt(variance + EPS) + beta, 0)
        return clipped

    x_HWC = normed(np.einsum("hwcij,ijco->hwo", windows(patch[..., None], 2), next(each)))
    for stride in STRIDES:
        x_HWC = normed(np.einsum("hwcij,ijc->hwc", windows(x_HWC, stride), next(each)[..., 0]))
        x_HWC = normed(x_HWC @ next(each)[0, 0])
    features = x_HWC.mean((0, 1))
    return features, 1 / (1 + np.exp(-(features @ next(each) + next(each))))


def file_of(variables: list[Array]) -> bytes:
    return bytes(8) + b"".join(array.astype("<f4").tobytes() for array in variables) + b"what follows"


@torch.inference_mode()
def test_features_and_scores_are_those_of_the_reference() -> None:
    variables = arrays()
    network = YamNet()
    network.load_state_dict(conversion.sound(file_of(variables)))
    patches = np.random.default_rng(1).normal(-3, 2, (2, 3, 96, 64))
    features, scores = network(torch.from_numpy(patches).float())
    assert features.shape == (2, 3, FEATURES)
    assert scores.shape == (2, 3, CLASSES)
    for n, p in ((0, 0), (1, 2)):
        due, probable = reference(patches[n, p], variables)
        np.testing.assert_allclose(features[n, p], due, atol=1e-4 * due.max())
        np.testing.assert_allclose(scores[n, p], probable, atol=1e-4)
        assert probable.std() > 0.01


def test_a_file_that_ends_early_is_refused() -> None:
    with pytest.raises(ValueError, match="buffer"):
        conversion.sound(file_of(arrays()[:-1])[:-12])


def mels_by_hand(wave: Array) -> Array:
    """Return (T, 64), each band and frame for itself, as YAMNet's features.py has it."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.array([wave[begin : begin + 400] * hann for begin in range(0, len(wave) - 399, 160)])
    magnitudes = np.abs(np.fft.rfft(frames, 512))

    def mel(hertz: float) -> float:
        return 1127.0 * float(np.log(1 + hertz / 700))

    edges = np.linspace(mel(125), mel(7500), 66)
    bands = np.zeros((257, 64))
    for band, (low, centre, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for number in range(1, 257):
            place = mel(number * 8000 / 256)
            bands[number, band] = max(0, min((place - low) / (centre - low), (high - place) / (high - centre)))
    logarithms: Array = np.log(magnitudes @ bands + 0.001)
    return logarithms


def test_patches_are_those_written_down_by_hand() -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 32_000).astype(np.float32)
    wave[8000:20_000] *= np.sin(np.arange(12_000) / 5) * 0.01
    mels = mels_by_hand(wave.astype(np.float64))
    patches = patches_of(torch.from_numpy(wave))
    assert patches.shape == (3, 96, 64)
    for number, patch in enumerate(patches):
        np.testing.assert_allclose(patch, mels[48 * number : 48 * number + 96], atol=2e-4)


def test_a_sound_shorter_than_a_patch_is_followed_by_silence() -> None:
    wave = torch.rand(4000, generator=torch.Generator().manual_seed(0)) - 0.5
    patches = patches_of(wave)
    assert patches.shape == (1, 96, 64)
    torch.testing.assert_close(patches[0, :22], patches_of(torch.cat([wave, torch.ones(20_000)]))[0, :22])
    np.testing.assert_allclose(patches[0, 25:], np.log(0.001), atol=1e-5)
