"""What comes before a trunk: inputs become rows of tokens, each with its place.

N = inputs in a batch, C × Y × X = channels, rows and columns of one input, G = tokens of the grid, L = tokens,
W = width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-5
"""Of the layer norm on patches (ImageBind's source)."""


class PatchTokens(nn.Module):
    """Every sense but text is a picture cut into patches: (N, C, Y, X) to (N, 1 + G, W), the class token first.

    The two frames of a clip, (N, 3, 2, Y, X), are channels of their colours, and a still picture, (N, 3, Y, X), is a
    clip of two equal frames; motion, (N, 6, X), is a picture one row high. Positions are learned for the grid of an
    input of ``size`` = (C, Y, X); those of another size are interpolated (bicubic), so that pictures need not be
    square, and sound and motion may be longer. What does not fill a patch at the right and lower edge is left out.
    """

    def __init__(
        self, size: tuple[int, int, int], kernel: tuple[int, int], stride: tuple[int, int], width: int, norm: bool
    ) -> None:
        super().__init__()
        channels, rows, columns = size
        self.channels = channels
        self.kernel = kernel
        self.stride = stride
        self.grid = self.grid_of(rows, columns)
        self.stem = nn.Conv2d(channels, width, kernel, stride, bias=False)
        self.norm = nn.LayerNorm(width, EPS) if norm else nn.Identity()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + self.grid[0] * self.grid[1], width))

    def forward(self, x: Tensor) -> Tensor:
        x_NCYX = self._as_picture(x)
        grid = self.grid_of(x_NCYX.shape[2], x_NCYX.shape[3])
        x_NGW = self.norm(self.stem(x_NCYX).flatten(2).transpose(1, 2))
        x_NLW = torch.cat([self.class_token.expand(len(x_NGW), -1, -1), x_NGW], dim=1)
        return x_NLW + self._positions_of(grid)

    def _as_picture(self, x: Tensor) -> Tensor:
        """Return (N, C, Y, X). Raise ValueError for any other number of channels."""
        match x.ndim:
            case 3:
                x = x.unsqueeze(2)
            case 4 if 2 * x.shape[1] == self.channels:
                x = x.repeat_interleave(2, dim=1)
            case 5:
                x = x.flatten(1, 2)
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"an input of {tuple(x.shape)}: (N, {self.channels}, rows, columns) was due")
        return x

    def grid_of(self, rows: int, columns: int) -> tuple[int, int]:
        """Return how many patches fit. Raise ValueError if none does."""
        if rows < self.kernel[0] or columns < self.kernel[1]:
            raise ValueError(f"an input of {rows} × {columns} is smaller than one patch of {self.kernel}")
        return (rows - self.kernel[0]) // self.stride[0] + 1, (columns - self.kernel[1]) // self.stride[1] + 1

    def _positions_of(self, grid: tuple[int, int]) -> Tensor:
        """Return (1, 1 + G, W)."""
        if grid == self.grid:
            return self.positions
        of_class, of_grid = self.positions[:, :1], self.positions[:, 1:]
        of_grid = (
            of_grid.transpose(1, 2).reshape(1, -1, *self.grid).float()
        )  # bicubic knows no bfloat16 on every device
        of_grid = functional.interpolate(of_grid, grid, mode="bicubic", align_corners=False)
        return torch.cat([of_class, of_grid.flatten(2).transpose(1, 2).to(of_class.dtype)], dim=1)


class WordTokens(nn.Module):
    """Token numbers (N, L) to (N, L, W); L is at most ``context``."""

    def __init__(self, vocabulary: int, context: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(1, context, width))

    def forward(self, tokens_NL: Tensor) -> Tensor:
        x_NLW: Tensor = self.embedding(tokens_NL)
        return x_NLW + self.positions[:, : tokens_NL.shape[1]]
