"""How a sense is bound: what of its network learns, how fast, how long, and from how many pairs at once."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Above0 = Annotated[float, Meta(gt=0)]
AtLeast0 = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Symmetric InfoNCE by AdamW, with a warm-up and a cosine to 0.

    ``mode`` says what learns: the whole network (``full``), what reads out the vector (``head``), or a low-rank
    change of every linear layer (``lora``; Hu et al., arXiv 2106.09685). ``crops`` are further views of each pair of
    images, the same part of both. A ``batch`` larger than there are pairs is cut to their number.
    """

    temperature: Above0 = 0.07
    rate: Above0 = 5e-4  # at the peak
    decay: AtLeast0 = 0.05
    betas: tuple[Share, Share] = (0.9, 0.95)
    clip: Above0 = 1.0  # of the gradient's norm
    batch: Annotated[int, Meta(ge=2)] = 64
    epochs: Annotated[int, Meta(ge=1)] = 32
    warmup: AtLeast0 = 2.0  # epochs in which the rate rises
    crops: Annotated[int, Meta(ge=0)] = 0
    erase: Share = 0.0  # how often a part of an image is hidden (Zhong et al., arXiv 1708.04896)
    mask: Annotated[int, Meta(ge=0)] = 0  # bands of a spectrogram that are hidden at most (arXiv 1904.08779)
    shake: AtLeast0 = 0.0  # rotation of the axes in radians, scale and noise in deviations, of motion
    mode: Literal["full", "head", "lora"] = "full"
    rank: Annotated[int, Meta(ge=1)] = 8  # of lora
    dtype: Literal["float32", "bfloat16"] = "float32"
    held: Annotated[float, Meta(gt=0, lt=1)] = 0.2  # share of the groups that is not learned from
    seed: int = 0


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "audio": {"temperature": 0.05, "rate": 1.6e-3, "decay": 0.2, "mask": 12},
    "depth": {"temperature": 0.2, "rate": 1.6e-3, "decay": 0.2, "crops": 4, "erase": 0.25},
    "thermal": {"temperature": 0.1, "rate": 5e-4, "decay": 0.05, "clip": 5.0, "crops": 4, "erase": 0.25},
    "imu": {"temperature": 0.2, "rate": 5e-4, "decay": 0.5, "epochs": 16, "shake": 0.05},
}
"""Where they differ: temperatures, rates, decays, clips, masks and erasing of ImageBind's table 9 (arXiv 2305.05665).

Batches of 512 to 2048 and 64 epochs are for sets of 5000 to 2 million pairs; small data wants small batches (appendix
F of the same). Crops stand for its crops at every step, since anchors are computed once."""


PLAIN = {"erase": 0.0, "mask": 0, "shake": 0.0}


def recipe_for(modality: str, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe of ``modality`` with ``changes``.

    A head alone learns from inputs as they are, unless asked otherwise: then what does not learn sees them only once.
    Raise ValueError naming a key or value that does not exist.

    >>> recipe_for("depth", {"epochs": 8}).temperature
    0.2
    >>> recipe_for("imu", {"epochs": 0})
    Traceback (most recent call last):
    ValueError: recipe: Expected `int` >= 1 - at `$.epochs`
    """
    try:
        usual = {**DEFAULTS.get(modality, {}), **(PLAIN if changes.get("mode") == "head" else {})}
        return msgspec.convert({**usual, **changes}, Recipe)
    except msgspec.ValidationError as error:
        raise ValueError(f"recipe: {error}") from error
