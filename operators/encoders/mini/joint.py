"""The joint space of ``mini``: what a thing is called, beside where things are in the picture.

N = things, M = dimensions of meaning, A = of layout, D = M + A.

The first M numbers are a sentence's as well as a picture's or a sound's; the other A are of senses that have an image,
and 0 for all others. A product of two vectors adds up what they share of each.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

MEANING, LAYOUT = 256, 256
DIM = MEANING + LAYOUT

SHARE = 0.25
"""Of the squared length of a vector that has both parts, the part that is meaning: two images of one place are known
by their layout, and every sentence is told the same share of every image."""


def one_by_one(read: Callable[[Tensor], Tensor], seen: Tensor) -> Tensor:
    """Return (N, D) of what was seen of N things, each read alone.

    How a product of matrices rounds depends on how many rows it has: so no vector depends on what else is in the batch.
    """
    return torch.cat([read(one) for one in torch.split(seen, 1)])


def joined(meaning_NM: Tensor, layout_NA: Tensor | None = None) -> Tensor:
    """Return (N, D) with unit rows of meaning, and of layout where there is one; a row of zeros has no direction.

    >>> joined(torch.ones(1, MEANING), torch.ones(1, LAYOUT)).norm().item()
    1.0
    """
    meaning_NM = functional.normalize(meaning_NM, dim=-1)
    if layout_NA is None:
        return functional.pad(meaning_NM, (0, LAYOUT))
    layout_NA = functional.normalize(layout_NA, dim=-1)
    return torch.cat([SHARE**0.5 * meaning_NM, (1 - SHARE) ** 0.5 * layout_NA], dim=-1)
