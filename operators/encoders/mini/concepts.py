"""From classes to meaning: a thing is the sum of the names of what it may be, each as likely as it is.

Norouzi et al., "Zero-shot learning by convex combination of semantic embeddings", ICLR 2014, over all classes, and in
a space of names that is whitened, since in the one they come from all names are alike.
N = things, K = classes that came with a network, C = concepts learned, F = features, P = prototypes, M = dimensions of
meaning.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from operators.encoders.mini.joint import MEANING

PROTOTYPES = 128

BEYOND = 0.1
"""Of a prototype's radius: so far outside nothing is familiar any more."""


class Concepts(nn.Module):
    """Probabilities (N, K) of known classes and features (N, F) to meanings (N, M), not of unit length.

    Concepts that were learned from few worlds and recordings speak only of what looks or sounds like these: within
    the radius of a prototype, fading out beyond. There the surer one of them is, the less the known classes count.
    Without prototypes they speak of everything.
    """

    def __init__(self, known: int, features: int, learned: int, prototypes: int = PROTOTYPES) -> None:
        super().__init__()
        self.names = nn.Parameter(torch.zeros(known + learned, MEANING), requires_grad=False)
        self.learned = nn.Linear(features, learned)
        self.scale = nn.Parameter(torch.ones(features), requires_grad=False)  # 1 / deviation of each feature
        self.prototypes = nn.Parameter(torch.zeros(prototypes, features), requires_grad=False)  # of scaled features
        self.radii = nn.Parameter(torch.ones(prototypes), requires_grad=False)

    def forward(self, known_NK: Tensor, features_NF: Tensor) -> Tensor:
        learned_NC = torch.sigmoid(self.learned(features_NF)) * self.familiar(features_NF)
        doubt_N1 = 1 - learned_NC.amax(1, keepdim=True)
        return torch.cat([known_NK * doubt_N1, learned_NC], dim=1) @ self.names

    def speak_of_everything(self) -> None:
        """Forget the prototypes, as concepts must that are to learn from what they have not seen."""
        for name in ("prototypes", "radii"):
            setattr(self, name, nn.Parameter(getattr(self, name)[:0], requires_grad=False))

    def familiar(self, features_NF: Tensor) -> Tensor:
        """Return (N, 1) in [0, 1]: how much these features are like those that were learned from."""
        if not len(self.radii):
            return torch.ones_like(features_NF[:, :1])
        distances_NP = torch.cdist(features_NF * self.scale, self.prototypes) / self.radii
        return ((1 + BEYOND - distances_NP.amin(1, keepdim=True)) / BEYOND).clamp(0, 1)


def sizes_in(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Return how many concepts, and how many prototypes, are in weights that hold them under ``concepts.``."""
    return len(state.get("concepts.learned.bias", ())), len(state.get("concepts.radii", ()))
