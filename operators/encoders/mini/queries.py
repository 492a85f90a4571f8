"""What says how much each sense counts now, learned: a query for each, that its vector answers.

N = windows, M = senses, L = labels, D = dimension of the joint space.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

TEMPERATURE = 0.1
"""Of InfoNCE between what is fused and sentences; our own."""

DROPPED = 0.25
"""How often a sense is left out, so that every subset is learned."""

SHARPNESS = 4.0
"""What products of query and vector are multiplied by, so that queries learn as fast as biases."""

BATCH, STEPS, RATE, DECAY = 128, 150, 3e-3, 10.0
"""Found by leaving one of four worlds out; more steps or less decay fit worlds instead of senses."""


class Attention(nn.Module):
    """Vectors (N, M, D), zeros where a sense had no say, to (N, D) with unit rows; senses in the order given."""

    def __init__(self, senses: int, dim: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.zeros(senses, dim))
        self.biases = nn.Parameter(torch.zeros(senses))

    def forward(self, x_NMD: Tensor, there_NM: Tensor) -> Tensor:
        scores_NM = SHARPNESS * (x_NMD * self.queries).sum(2) + self.biases
        weights_NM = scores_NM.masked_fill(~there_NM, -torch.inf).softmax(1)
        fused_ND: Tensor = nn.functional.normalize((weights_NM[..., None] * x_NMD).sum(1), dim=1)
        return fused_ND


def fit_queries(vectors: Mapping[str, Tensor], truth_NL: Tensor, labels_LD: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """Return ``SENSE.query`` (D,) and ``SENSE.bias`` () for ``CrossAttention``, by InfoNCE with sentences as anchors.

    ``vectors`` (N, D) by sense have NaN where it had no say, ``truth_NL`` is 1, 0, or NaN where it is not asked. A
    sentence attracts the windows of which it is true, in equal parts, and repels the others of the batch.
    """
    x_NMD = torch.stack([torch.nan_to_num(each) for each in vectors.values()], dim=1)
    there_NM = x_NMD.any(2)
    some_N = there_NM.any(1)
    x_NMD, there_NM, truth_NL = x_NMD[some_N], there_NM[some_N], truth_NL[some_N]
    attention = Attention(len(vectors), x_NMD.shape[2])
    optimizer = torch.optim.AdamW(attention.parameters(), RATE, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        rows = torch.randint(len(x_NMD), (BATCH,), generator=generator)
        kept_NM = there_NM[rows] & (torch.rand(BATCH, len(vectors), generator=generator) > DROPPED)
        kept_NM = torch.where(kept_NM.any(1, keepdim=True), kept_NM, there_NM[rows])
        loss = _loss(attention(x_NMD[rows], kept_NM) @ labels_LD.T / TEMPERATURE, truth_NL[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    queries, biases = (SHARPNESS * attention.queries).detach(), attention.biases.detach()
    return {f"{s}.query": queries[n].clone() for n, s in enumerate(vectors)} | {
        f"{s}.bias": biases[n].clone() for n, s in enumerate(vectors)
    }


def _loss(logits_NL: Tensor, truth_NL: Tensor) -> Tensor:
    """Return the mean over labels that are true somewhere."""
    asked, true = torch.isfinite(truth_NL), truth_NL == 1
    told = true.any(0)
    among = logits_NL.masked_fill(~asked, -torch.inf)[:, told].logsumexp(0)
    own = logits_NL.masked_fill(~true, 0)[:, told].sum(0) / true[:, told].sum(0)
    return (among - own).mean()
