"""One tower a modality, with the architecture of ImageBind (arXiv 2305.05665; sizes and details from its source).

N = inputs in a batch, L = tokens, W = width, D = dimension of the joint space.
"""

from collections.abc import Mapping
from math import exp, log
from types import MappingProxyType

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.tokens import PatchTokens, WordTokens
from operators.encoders.trunk import EPS, Trunk

VOCABULARY, CONTEXT = 49_408, 77
"""Tokens that CLIP's byte-pair encoding knows, and how many of them one text has."""

MAX_SCALE = 100.0
"""Above it no temperature sharpens (ImageBind's source, as CLIP's)."""


class Architecture(Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes of one tower; what is not a size follows from the modality. The defaults are a small tower."""

    dim: int = 256  # of the joint space
    width: int = 160
    depth: int = 3
    heads: int = 4
    kernel: tuple[int, int] = (32, 32)  # rows and columns of a patch; of motion one row, and steps
    stride: tuple[int, int] | None = None  # from patch to patch; none: patches do not overlap


class Form(Struct, frozen=True):
    """What is fixed for all towers of one modality."""

    size: tuple[int, int, int] | None  # channels, rows, columns of the input that positions are learned for
    scale: float  # 1 / temperature of its contrastive loss: what its vectors are multiplied by before a softmax
    stem_norm: bool = True
    pre_norm: bool = False
    bias_kv: bool = True
    learns_scale: bool = False


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "vision": Form((6, 224, 224), 1.0, stem_norm=False, pre_norm=True, bias_kv=False),
        "text": Form(None, 1 / 0.07, bias_kv=False, learns_scale=True),
        "audio": Form((1, 128, 204), 1 / 0.05),
        "depth": Form((1, 224, 224), 1 / 0.2),
        "thermal": Form((1, 224, 224), 1 / 0.1),
        "imu": Form((6, 1, 2000), 1 / 0.2),
    }
)
"""Temperatures are those of the paper's Table 9; the text's is the value CLIP's starts from. Vision has none."""


class Tower(nn.Module):
    """Inputs to unit vectors: tokens, trunk, layer norm and linear head on one token.

    Takes ImageBind's inputs and gives (N, D) of unit length; its temperature stands apart, in ``scale``:

    ==============  ==================================  ===============================
    vision          (N, 3, 224, 224), (N, 3, 2, 224, 224)  RGB, one picture or two frames
    text            (N, 77) integers                    tokens
    audio           (N, 1, 128, 204)                    mel × time
    depth, thermal  (N, 1, 224, 224)                    disparity, warmth
    imu             (N, 6, 2000)                        acceleration, rotation
    ==============  ==================================  ===============================

    Other heights, widths and lengths work as well. A size that holds no patch, or a wrong number of channels, is a
    ValueError.
    """

    def __init__(self, modality: str, architecture: Architecture = Architecture()) -> None:
        super().__init__()
        form, sizes = FORMS[modality], architecture
        self.modality = modality
        self.architecture = architecture
        self.tokens: PatchTokens | WordTokens
        if form.size is None:
            self.tokens = WordTokens(VOCABULARY, CONTEXT, sizes.width)
        else:
            stride = sizes.stride or sizes.kernel
            self.tokens = PatchTokens(form.size, sizes.kernel, stride, sizes.width, form.stem_norm)
        self.pre_norm = nn.LayerNorm(sizes.width, EPS) if form.pre_norm else nn.Identity()
        self.trunk = Trunk(sizes.width, sizes.depth, sizes.heads, form.bias_kv, causal=form.size is None)
        self.norm = nn.LayerNorm(sizes.width, EPS)
        self.head = nn.Linear(sizes.width, sizes.dim, bias=False)
        log_scale = torch.tensor(log(form.scale))
        if form.learns_scale:
            self.log_scale = nn.Parameter(log_scale)
        elif form.scale != 1:
            self.register_buffer("log_scale", log_scale)

    @property
    def scale(self) -> float:
        """What unit vectors are multiplied by to become logits: 1 / temperature, at most 100; 1 for vision."""
        log_scale = getattr(self, "log_scale", None)
        return 1.0 if log_scale is None else min(exp(log_scale.item()), MAX_SCALE)

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(self.project(x).float(), dim=-1)

    def project(self, x: Tensor) -> Tensor:
        """Return (N, D) as the head gives it, of any length."""
        y_NLW = self.trunk(self.pre_norm(self.tokens(x)))
        # A text ends at its highest token, the end mark; for all else the class token comes first.
        place = x.argmax(dim=1) if isinstance(self.tokens, WordTokens) else torch.zeros(len(x), dtype=torch.long)
        y_NW = y_NLW[torch.arange(len(x), device=x.device), place.to(x.device)]
        y_ND: Tensor = self.head(self.norm(y_NW))
        return y_ND


def seeded_tower(modality: str, architecture: Architecture, seed: int) -> Tower:
    """Return a tower with weights drawn from ``seed``: the same wherever it runs, and without meaning.

    Weights are normal with variance 1 / inputs, so that every layer keeps its input's scale; biases are 0. Positions
    have variance 1, as tokens have: without them the norms would hide how bright or loud an input is. Those of a text
    share one part of 30 times that size: all sentences then lie close together, and a tagger knows none apart.
    torch's global random state is left alone.
    """
    with torch.device("meta"):
        tower = Tower(modality, architecture)
    tower.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            if name.endswith(("norm.weight", "norm_1.weight", "norm_2.weight")):
                parameter.fill_(1)
            elif name.endswith("bias"):
                parameter.zero_()
            elif name.endswith(("positions", "embedding.weight", "class_token")):
                parameter.normal_(generator=generator)
            elif parameter.ndim >= 2:
                parameter.normal_(std=parameter[0].numel() ** -0.5, generator=generator)
        if isinstance(tower.tokens, WordTokens):
            tower.tokens.positions.add_(30 * tower.tokens.positions[:, :1].clone())
        if hasattr(tower, "log_scale"):
            tower.log_scale.fill_(log(FORMS[modality].scale))
    return tower
