"""InfoNCE (van den Oord et al., arXiv 1807.03748), symmetric, against a frozen anchor.

B = pairs in a batch, D = dimension of the joint space.
"""

import torch
from torch import Tensor, distributed
from torch.distributed.nn import functional as across
from torch.nn import functional

SAME = 1 - 1e-5
"""Cosine from which on two anchors are one, as those of two things of one label are."""


def info_nce(vectors_BD: Tensor, anchors_BD: Tensor, temperature: float) -> Tensor:
    """Return the mean of both directions' cross-entropy, as in ImageBind (arXiv 2305.05665, equation 1).

    All rows are unit vectors. Pairs with the same anchor do not repel each other. Where several processes train, the
    pairs of all are each other's negatives, and each process gets the same loss; the mean of their gradients is that
    of one process with all pairs.
    """
    vectors_BD, anchors_BD = _of_all(vectors_BD), _of_all(anchors_BD)
    alike = anchors_BD @ anchors_BD.T > SAME
    alike.fill_diagonal_(False)
    logits = (vectors_BD @ anchors_BD.T / temperature).masked_fill(alike, -torch.inf)
    place = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, place) + functional.cross_entropy(logits.T, place)) / 2


def _of_all(rows: Tensor) -> Tensor:
    if not distributed.is_initialized():
        return rows
    gathered: Tensor = torch.cat(across.all_gather(rows))  # type: ignore[no-untyped-call]  # passes gradients back to where rows are from
    return gathered
