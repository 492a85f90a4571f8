"""Pictures and sentences by any model of OpenCLIP, with its own size, normalisation and tokens.

``model`` is ``<architecture>/<tag or file>``, as ``openclip_model.py`` reads it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import open_clip
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.execution import Runner
from operators.encoders.openclip_model import known, load
from operators.encoders.picture import central_sample
from operators.encoders.vision import planes
from pipeline.messages import Array, Clip, Execution

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


class OpenClipVision:
    """The frame nearest to a clip's centre: CLIP knows no motion."""

    modality: str = "vision"

    def __init__(self, model: str = "ViT-B-32", seed: int = 0, execution: Execution = Execution()) -> None:
        self.model = model
        self.seed = seed
        self.execution = execution
        self._known = known(model)

    @property
    def dim(self) -> int:
        return self._known.dim

    def prepare(self, clip: Clip) -> Array:
        """Return (3, rows, columns) uint8, RGB.

        Raise ValueError for an empty clip, or a frame that is not (H, W, 3) or (H, W) uint8.
        """
        look = self._known.look
        crop = look.resize_mode != "squash"
        picture = planes(central_sample(clip), self._known.size, crop, FILTERS[look.interpolation])
        return np.ascontiguousarray(picture)

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 3, rows, columns) uint8."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        look = self._known.look
        mean, std = (np.float32(numbers).reshape(3, 1, 1) * 255 for numbers in (look.mean, look.std))
        return Runner(_Seen(load(self.model, self.seed)), self.execution, mean, std)


class OpenClipText:
    """Sentences in the same space as ``OpenClipVision`` of the same model."""

    modality: str = "text"

    def __init__(self, model: str = "ViT-B-32", seed: int = 0, execution: Execution = Execution()) -> None:
        self.model = model
        self.seed = seed
        self.execution = execution
        self._known = known(model)

    @property
    def dim(self) -> int:
        return self._known.dim

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, L) int64 tokens.

        Raise ValueError for what is no text, or if the model's own tokenizer is not on this machine.
        """
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ValueError(f"a text is a string, this one is {wrong[0]!r}")
        tokens: Array = self._tokenizer(list(texts)).numpy()
        return tokens

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, L) tokens."""
        return self._run(batch)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            return open_clip.get_tokenizer(self._known.architecture)
        except (OSError, ImportError) as error:
            raise ValueError(f"{self.model}: its tokenizer is not here: {str(error).splitlines()[0]}") from error

    @cached_property
    def _run(self) -> Runner:
        return Runner(_Read(load(self.model, self.seed)), self.execution)


class _Seen(nn.Module):
    """The picture half of a model alone."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.visual = model.visual

    def forward(self, x_N3YX: Tensor) -> Tensor:
        y = self.visual(x_N3YX)
        y_ND = y[0] if isinstance(y, tuple) else y  # CoCa also gives tokens
        return functional.normalize(y_ND.float(), dim=-1)


class _Read(nn.Module):
    """The sentence half of a model alone."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        model.visual = nn.Identity()
        self.model = model

    def forward(self, tokens_NL: Tensor) -> Tensor:
        return functional.normalize(self.model.encode_text(tokens_NL).float(), dim=-1)
