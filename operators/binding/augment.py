"""Other views of the same thing: parts of an image, spectrograms with gaps, motion of an IMU mounted a little askew.

N = inputs in a batch, H, W = rows and columns, T = steps.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256

import numpy as np
import torch
from msgspec.structs import replace
from torch import Tensor
from torchvision.transforms import RandomErasing

from operators.binding.recipe import Recipe
from operators.sets.item import Item
from pipeline.messages import Array, Clip

IMAGES = ("vision", "depth", "thermal")

AREA, ASPECT = (0.4, 1.0), (3 / 4, 4 / 3)
"""Of a crop. Inception's smallest area, 0.08 (Szegedy et al., arXiv 1409.4842), leaves too little in common where two
cameras look from two places."""

Box = tuple[float, float, float, float, bool]
"""Left, top, right and bottom as shares of the image, and whether it is mirrored."""


def widened(items: Iterable[Item], modality: str, recipe: Recipe) -> list[Item]:
    """Return the items, each followed by ``recipe.crops`` others: one part of all its images, perhaps mirrored.

    The same part of each image, which is what matters most for depth and thermal (arXiv 2305.05665, table 5d). They
    are drawn from the item's name and the seed. Only items that have both ``modality`` and pictures are cropped, and
    if these are images.
    """
    found = []
    for item in items:
        found.append(item)
        if modality in IMAGES and {modality, "vision"} <= item.senses.keys():
            found += [cropped(item, number, recipe.seed) for number in range(recipe.crops)]
    return found


def cropped(item: Item, number: int, seed: int) -> Item:
    """Return one part of all images of ``item``; what is no image stays."""
    digest = sha256(f"{seed} {number} {item.name}".encode()).digest()
    box = box_of(np.random.default_rng(int.from_bytes(digest[:8], "big")))
    senses = {name: partial(_parts, read, box) if name in IMAGES else read for name, read in item.senses.items()}
    return replace(item, name=f"{item.name} part {number}", group=item.group or item.name, senses=senses)


def box_of(rng: np.random.Generator) -> Box:
    """Return a random part of an image."""
    area, aspect = rng.uniform(*AREA), np.exp(rng.uniform(*np.log(ASPECT)))
    width, height = min(1.0, (area * aspect) ** 0.5), min(1.0, (area / aspect) ** 0.5)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return left, top, left + width, top + height, bool(rng.random() < 0.5)


def part_of(frame: Array, box: Box) -> Array:
    """Return that part of a frame (H, W, ...)."""
    left, top, right, bottom, is_mirrored = box
    rows, columns = frame.shape[:2]
    first, last = (round(share * rows) for share in (top, bottom))
    start, end = (round(share * columns) for share in (left, right))
    part = frame[first : max(last, first + 1), start : max(end, start + 1)]
    return np.ascontiguousarray(part[:, ::-1] if is_mirrored else part)


def _parts(read: Callable[[], Sequence[Clip]], box: Box) -> list[Clip]:
    return [
        replace(clip, samples=tuple(replace(sample, data=part_of(sample.data, box)) for sample in clip.samples))
        for clip in read()
    ]


def augmented(batch: Tensor, modality: str, recipe: Recipe) -> Tensor:
    """Return prepared inputs (N, ...) as one step sees them; chance is torch's own, which the trainer seeds.

    Images lose a part, spectrograms some bands, motion turns a little. What has none of these stays as it is.
    """
    if modality in IMAGES and recipe.erase:
        eraser = RandomErasing(recipe.erase)
        return torch.stack([eraser(image) for image in batch])
    if modality == "audio" and recipe.mask:
        return _masked(batch, recipe.mask)
    if modality == "imu" and recipe.shake:
        return _shaken(batch, recipe.shake)
    return batch


def _masked(batch: Tensor, most: int) -> Tensor:
    """Return spectrograms, each without up to ``most`` of its 64 or 128 bands, its lowest value in their place.

    They are (N, ..., bands, frames) or (N, ..., frames, bands).
    """
    bands = next(axis for axis in (-1, -2) if batch.shape[axis] in (64, 128))
    masked = batch.clone()
    for one in masked.transpose(bands, -1):
        width = int(torch.randint(most + 1, ()))
        first = int(torch.randint(one.shape[-1] - width + 1, ()))
        one[..., first : first + width] = one.amin()
    return masked


def _shaken(batch: Tensor, size: float) -> Tensor:
    """Return motion (N, 6, T), both triples turned as one, in another scale and with noise."""
    angles = size * torch.randn(len(batch), 3)
    turn = torch.linalg.matrix_exp(_cross(angles)).to(batch)
    turned = torch.cat([turn @ batch[:, :3], turn @ batch[:, 3:]], dim=1)
    scale = 1 + size * torch.randn(len(batch), 1, 1)
    return turned * scale + size * batch.std(2, keepdim=True) * torch.randn_like(batch)


def _cross(angles_N3: Tensor) -> Tensor:
    """Return (N, 3, 3): what the cross product with each vector multiplies by."""
    x, y, z = angles_N3.unbind(1)
    nothing = torch.zeros_like(x)
    rows = [torch.stack(row, 1) for row in ((nothing, -z, y), (z, nothing, -x), (-y, x, nothing))]
    return torch.stack(rows, 1)
