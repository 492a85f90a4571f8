"""What motion sounds like: the power of each axis of an IMU by frequency.

N = clips, S = segments of a clip, T = steps in a segment, B = bands, F = features.
"""

import torch
from torch import Tensor, nn

RATE, SECONDS = 200, 5
"""Steps a second, and seconds, of what is looked at."""

STEPS = RATE * SECONDS
LOW_HZ, HIGH_HZ, BANDS = 0.4, 100.0, 20
"""Bands rise evenly in the logarithm of frequency, from the sway of a vehicle to half the rate."""

POWER_FLOOR, SIZE_FLOOR = 1e-7, 1e-3
"""Below these a sensor's own noise is all there is: (m/s²)² or (rad/s)² per Hz, and m/s² or rad/s."""

FEATURES = 6 * (3 * BANDS + 4)


class Spectrum(nn.Module):
    """Motion (N, 6, 1000) in m/s² and rad/s, 5 s, to features (N, 384): logarithms, hence ratios become differences.

    Per axis: power by band over all five seconds, and the mean and the maximum over segments of one second, which
    tells a blow from a hum; peak, deviation, kurtosis / 10, and the deviation of the last second.
    """

    def forward(self, motion: Tensor) -> Tensor:
        centred = motion - motion.mean(-1, keepdim=True)
        whole = _bands(motion[:, None])[:, 0]
        seconds = _bands(motion.unfold(-1, RATE, RATE // 2).transpose(1, 2))
        variance = centred.var(-1, unbiased=False)
        shape = [
            torch.log10(centred.abs().amax(-1) + SIZE_FLOOR),
            torch.log10(variance.sqrt() + SIZE_FLOOR),
            centred.pow(4).mean(-1) / (variance.square() + 1e-9) / 10,
            torch.log10(motion[..., -RATE:].std(-1, unbiased=False) + SIZE_FLOOR),
        ]
        bands = [power.flatten(1) for power in (whole, seconds.mean(1), seconds.amax(1))]
        return torch.cat([*bands, *shape], dim=1)


def _bands(segments: Tensor) -> Tensor:
    """Return (N, S, 6, B), log10 of the power spectral density of segments (N, S, 6, T), Hann-windowed (Welch)."""
    steps = segments.shape[-1]
    window = torch.hann_window(steps, dtype=segments.dtype, device=segments.device)
    centred = segments - segments.mean(-1, keepdim=True)
    power = torch.fft.rfft(centred * window).abs().square() / (RATE * window.square().sum())
    return torch.log10(power @ _membership(steps).to(power) + POWER_FLOOR)


def _membership(steps: int) -> Tensor:
    """Return (T/2 + 1, B): which bins are averaged for each band; a band between two bins takes the next above."""
    hertz = torch.fft.rfftfreq(steps, 1 / RATE)
    edges = torch.logspace(
        torch.log10(torch.tensor(LOW_HZ)).item(), torch.log10(torch.tensor(HIGH_HZ)).item(), BANDS + 1
    )
    inside = (hertz[:, None] >= edges[:-1]) & (hertz[:, None] < edges[1:])
    following = torch.searchsorted(hertz, edges[:-1].contiguous()).clamp(max=len(hertz) - 1)
    empty = ~inside.any(0)
    inside[following[empty], torch.nonzero(empty)[:, 0]] = True
    membership: Tensor = inside / inside.sum(0)
    return membership
