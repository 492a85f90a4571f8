"""One small transformer for every modality, with weights from a seed: they carry no meaning.

N = inputs in a batch, C × Y × X = channels, rows and columns of one input, L = tokens, P = values in a patch,
W = width, H = heads, K = width of a head, D = dimension of the joint space.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from pipeline.messages import Array

WIDTH, DEPTH, HEADS = 160, 3, 4


class Tower(nn.Module):
    """Patches in, unit vectors out: linear stem, class token, learned positions, pre-LN blocks, linear head.

    ``shape`` (C, Y, X) is that of one input, ``patch`` (rows, columns) must divide it. The same seed gives the same
    weights wherever it runs, and torch's global random state is left alone.
    """

    def __init__(self, shape: tuple[int, int, int], patch: tuple[int, int], dim: int, seed: int) -> None:
        super().__init__()
        channels, rows, columns = shape
        if dim < 1:
            raise ValueError(f"dim {dim}: a vector has at least one number")
        assert rows % patch[0] == 0
        assert columns % patch[1] == 0
        tokens = (rows // patch[0]) * (columns // patch[1])
        self.patch = patch
        self.stem = _linear(channels * patch[0] * patch[1], WIDTH)
        self.positions_LW = nn.Parameter(torch.empty(1 + tokens, WIDTH))  # the first one is the class token
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = _linear(WIDTH, dim, bias=False)
        self._draw(seed)
        self.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")

    @torch.inference_mode()
    def embed(self, x_NCYX: Tensor) -> Array:
        """Return (N, D) float32 with unit rows, on the CPU whatever the device."""
        vectors: Array = self(x_NCYX.to(self.positions_LW.device)).cpu().numpy()
        return vectors

    def forward(self, x_NCYX: Tensor) -> Tensor:
        x_NLW = functional.pad(self.stem(patches(x_NCYX, *self.patch)), (0, 0, 1, 0)) + self.positions_LW
        y_ND: Tensor = self.head(self.norm(self.blocks(x_NLW)[:, 0]))
        return functional.normalize(y_ND, dim=-1)

    @torch.no_grad()
    def _draw(self, seed: int) -> None:
        """Normal weights of variance 1 / inputs, so that every layer keeps its input's scale; biases are 0.

        Positions have variance 1, as tokens have: without them the norms would hide how bright or loud an input is.
        """
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter is self.positions_LW:
                parameter.normal_(generator=generator)
            elif parameter.ndim == 2:
                parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()


class Block(nn.Module):
    """x += attention(norm(x)); x += mlp(norm(x))."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = _linear(WIDTH, 3 * WIDTH)
        self.out = _linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(_linear(WIDTH, 4 * WIDTH), nn.GELU(), _linear(4 * WIDTH, WIDTH))

    def forward(self, x_NLW: Tensor) -> Tensor:
        x_NLW = x_NLW + self._attend(self.norm_1(x_NLW))
        x_NLW += self.mlp(self.norm_2(x_NLW))
        return x_NLW

    def _attend(self, x_NLW: Tensor) -> Tensor:
        N, L, _ = x_NLW.shape
        q_NHLK, k_NHLK, v_NHLK = self.qkv(x_NLW).view(N, L, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y_NHLK = functional.scaled_dot_product_attention(q_NHLK, k_NHLK, v_NHLK)
        y_NLW: Tensor = self.out(y_NHLK.transpose(1, 2).reshape(N, L, WIDTH))
        return y_NLW


def _linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """Return a layer without weights: drawing default ones would disturb torch's global random state."""
    linear: nn.Linear = skip_init(nn.Linear, inputs, outputs, bias)  # type: ignore[no-untyped-call]
    return linear


def patches(x_NCYX: Tensor, rows: int, columns: int) -> Tensor:
    """Return (N, L, P): the patches of ``rows`` × ``columns``, row by row."""
    N, C, Y, X = x_NCYX.shape
    tiles = x_NCYX.reshape(N, C, Y // rows, rows, X // columns, columns).permute(0, 2, 4, 1, 3, 5)
    return tiles.reshape(N, (Y // rows) * (X // columns), C * rows * columns)
