"""By how much one set of curves comes after another, and whether it does at all.

M = chunks, C, D = channels of the two, F = frequencies, L = lags, S = shifts by whole chunks, round and round: at 0
chunks meet their own, at the others only chance does.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft

from operators.curve import CHUNK, MARGIN, Spectra
from pipeline.messages import Array

MIN_CHUNKS = 8
"""Fewer do not tell cause from chance."""

TOP = 0.7
"""A peak's place is the centre of gravity of what stands above this share of its height."""


class Lag(NamedTuple):
    """Bins by which the second comes after the first, the standard deviation of that, and how it was found.

    ``correlation`` is that at the lag, 0 to 1; ``contrast`` is it over what chance gives: the median of the best
    correlations of chunks that do not belong together. Unrelated curves have about 1.
    """

    bins: float
    deviation: float
    correlation: float
    contrast: float


def lag(first: Spectra, second: Spectra, contrast: float = 0.0) -> Lag | None:
    """Return the lag of the second behind the first, which leads, or None if there is too little, or it is not within
    a margin, or stands out less than ``contrast``.

    Any channel of the one may follow any of the other, up or down: the rig's axes are unknown. So what is maximal at
    the lag is the norm of all their correlations. The deviation is the jackknife's, over chunks.
    """
    num_chunks = len(first.by_chunk)
    if num_chunks < MIN_CHUNKS:
        return None
    power_CD = np.multiply.outer(first.power, second.power)
    scale_CD1 = 1 / (num_chunks * CHUNK * np.sqrt(np.maximum(power_CD, 1e-9)))[..., np.newaxis]
    shifted_SCDL = scale_CD1 * _by_lag(fft.ifft(_cross(first.by_shift, second.by_shift), axis=0))
    norm_SL = _norm(shifted_SCDL)
    norm_L, best_S = norm_SL[0], norm_SL.max(axis=1)
    if norm_L.argmax() in (0, 2 * MARGIN):
        return None
    found = float(best_S[0] / np.median(best_S[1:]))
    if found < contrast:
        return None
    each_MCDL = scale_CD1 * _by_lag(_cross(first.by_chunk, second.by_chunk))
    places_M = np.array([_place(without_L) for without_L in _norm(shifted_SCDL[0] - each_MCDL)])
    return Lag(
        bins=_place(norm_L) - MARGIN,
        deviation=float(places_M.std() * np.sqrt(num_chunks - 1)),
        correlation=float(best_S[0]),
        contrast=found,
    )


def _cross(x_MCF: Array, y_MDF: Array) -> Array:
    """Return (M, C, D, F) spectra of the correlations of every channel with every other."""
    return x_MCF[:, :, np.newaxis].conj() * y_MDF[:, np.newaxis]


def _by_lag(cross: Array) -> Array:
    """Return the correlations (…, L) at lags of -MARGIN to MARGIN bins of their spectra (…, F)."""
    circular = fft.irfft(cross)
    return np.concatenate([circular[..., -MARGIN:], circular[..., : MARGIN + 1]], axis=-1)


def _norm(correlation_MCDL: Array) -> Array:
    """Return (M, L): 1 where as many channels as can be are one and the same."""
    square_ML = np.einsum("mcdl,mcdl->ml", correlation_MCDL, correlation_MCDL)
    norm: Array = np.sqrt(square_ML / min(correlation_MCDL.shape[1:3]))
    return norm


def _place(norm_L: Array) -> float:
    """Return where the highest peak is, to a fraction of a lag.

    >>> _place(np.array([0.0, 0.0, 4.0, 2.0, 0.0]))
    2.333...
    """
    top = int(norm_L.argmax())
    if top in (0, len(norm_L) - 1):
        return float(top)
    floor = min(TOP * norm_L[top], norm_L[top - 1], norm_L[top + 1])
    below = np.flatnonzero(norm_L <= floor)
    around = slice(below[below < top].max(initial=-1) + 1, below[below > top].min(initial=len(norm_L)))
    weight = norm_L[around] - floor
    return float(np.arange(len(norm_L))[around] @ weight / weight.sum())
