import numpy as np
import pytest
import torch
from torch import Tensor

from operators.encoders.mini.spectrum import BANDS, FEATURES, HIGH_HZ, LOW_HZ, RATE, STEPS, Spectrum

EDGES = np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 1)
SEEN = 3 * 6 * BANDS
"""Features before peak, deviation, kurtosis and last second of each axis."""


def seen(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Return bands (3, 6, B): over all, mean and maximum over seconds; and shape (4, 6)."""
    (features,) = Spectrum()(motion[None])
    return features[:SEEN].view(3, 6, BANDS), features[SEEN:].view(4, 6)


def shaken(hertz: float, size: float = 1.0) -> Tensor:
    motion = torch.zeros(6, STEPS)
    motion[2] = 9.81 + size * torch.sin(2 * torch.pi * hertz * torch.arange(STEPS) / RATE)
    return motion


def noise(deviation: float = 1.0) -> Tensor:
    return deviation * torch.randn(6, STEPS, generator=torch.Generator().manual_seed(0))


def test_there_are_as_many_features_as_promised() -> None:
    found = Spectrum()(torch.stack([noise(), shaken(3)]))
    assert found.shape == (2, FEATURES)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("hertz", [4.0, 7.0, 30.0, 85.0])
def test_a_hum_is_in_its_band_of_its_axis(hertz: float) -> None:
    bands, _ = seen(shaken(hertz))
    due = int(np.searchsorted(EDGES, hertz, side="right")) - 1
    for power in bands:
        assert divmod(int(power.argmax()), BANDS) == (2, due)


def test_ten_times_the_size_is_two_more_in_power_and_one_in_deviation() -> None:
    one, ten = seen(noise()), seen(noise(10.0))
    torch.testing.assert_close(ten[0] - one[0], torch.full((3, 6, BANDS), 2.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        ten[1] - one[1], torch.tensor([[1.0], [1.0], [0.0], [1.0]]).expand(4, 6), atol=2e-2, rtol=0
    )


def test_power_density_of_white_noise_is_its_variance_over_half_the_rate() -> None:
    bands, shape = seen(torch.cat([noise()[:, :500], noise()[:, 500:]], 1))
    density = 1.0 / (RATE / 2) / 2  # of each of the two sides of the spectrum
    assert bands[1][:, 12:].mean().item() == pytest.approx(np.log10(density), abs=0.1)
    assert shape[1].mean().item() == pytest.approx(0, abs=0.02)


def test_gravity_and_bias_make_no_difference() -> None:
    bias = torch.tensor([0.0, 0.3, 9.81, 0.01, 0.0, -0.02])[:, None]
    torch.testing.assert_close(Spectrum()((noise() + bias)[None]), Spectrum()(noise()[None]), atol=2e-3, rtol=1e-3)


def test_a_blow_is_told_from_a_hum_of_the_same_power() -> None:
    hum, blow = shaken(20.0, 1.0), torch.zeros(6, STEPS)
    blow[2, 300:304] = hum[2].std() * (STEPS / 4) ** 0.5
    mean, most = (seen(motion)[0][1:, 2].mean(1) for motion in (hum, blow))
    assert most[1] - most[0] > mean[1] - mean[0] + 0.3
    assert seen(blow)[1][2, 2] > 10 * seen(hum)[1][2, 2]


def test_stillness_is_finite() -> None:
    assert torch.isfinite(Spectrum()(torch.zeros(1, 6, STEPS))).all()
