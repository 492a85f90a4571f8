"""The joint space of ``mini``: what a thing is called, beside what its sense alone can tell of it.

N = things, M = dimensions of meaning, A = of layout, D = M + A.

The first M numbers are a sentence's as well as a picture's or a sound's; the other A are the layout of an image, where
things are in it, or the timbre of a sound, and 0 for all others. A product of two vectors adds up what they share of
each; what a layout and a timbre seem to share is chance.
"""

import torch
from torch import Tensor
from torch.nn import functional

MEANING, LAYOUT = 256, 256
DIM = MEANING + LAYOUT

SHARE = 0.25
"""Of the squared length of an image's vector, the part that is meaning: two images of one place are known by their
layout, and every sentence is told the same share of every image."""


def joined(meaning_NM: Tensor, layout_NA: Tensor | None = None, share: float = SHARE) -> Tensor:
    """Return (N, D) with unit rows of meaning, its ``share``, and of layout where there is one.

    A row of zeros has no direction.

    >>> joined(torch.ones(1, MEANING), torch.ones(1, LAYOUT)).norm().item()
    1.0
    """
    meaning_NM = functional.normalize(meaning_NM, dim=-1)
    if layout_NA is None:
        return functional.pad(meaning_NM, (0, LAYOUT))
    layout_NA = functional.normalize(layout_NA, dim=-1)
    return torch.cat([share**0.5 * meaning_NM, (1 - share) ** 0.5 * layout_NA], dim=-1)
