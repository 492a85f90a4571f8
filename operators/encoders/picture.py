"""Pictures at the size that a tower takes, and which picture of a clip it is shown."""

import numpy as np
from PIL import Image

from pipeline.messages import Array, Clip, Sample

Size = tuple[int, int]
"""Rows and columns."""


def fitted(picture: Array, size: Size, crop: bool, resample: Image.Resampling) -> Array:
    """Return ``picture`` as (rows, columns) or (rows, columns, 3), of its own dtype, uint8 or float32.

    With ``crop`` its proportions stay and the middle is cut out; without, the whole of it is stretched. Sizes are
    rounded as torchvision rounds them, and PIL's filters are antialiased. Only the part that is kept is resampled,
    columns before rows, which gives what a resize and then a crop would give, but for rounding, and stays small for
    a picture of any proportions.
    """
    (height, width), (rows, columns) = picture.shape[:2], size
    tall, wide = _covering(height, width, rows, columns) if crop else size
    top, left = round((tall - rows) / 2), round((wide - columns) / 2)
    of_columns = (left * width / wide, 0, (left + columns) * width / wide, height)
    of_rows = (0, top * height / tall, columns, (top + rows) * height / tall)
    narrow = Image.fromarray(picture).resize((columns, height), resample, of_columns)
    return np.asarray(narrow.resize((columns, rows), resample, of_rows))


def check_size(size: Size, kernel: tuple[int, int]) -> None:
    """Raise ValueError for a size that does not hold one patch of ``kernel``."""
    if size[0] < kernel[0] or size[1] < kernel[1]:
        raise ValueError(f"size {list(size)} must hold at least one patch of {list(kernel)}")


def central_sample(clip: Clip) -> Sample:
    """Return the sample nearest to the clip's centre. Raise ValueError for an empty clip or an empty picture."""
    if not clip.samples:
        raise ValueError(f"{clip.topic}: no sample in [{clip.start}, {clip.end})")
    centre = (clip.start + clip.end) // 2
    sample = min(clip.samples, key=lambda sample: abs(sample.stamp - centre))
    if sample.data.size == 0:
        raise ValueError(f"{clip.topic}: a {clip.modality} frame without pixels, {sample.data.shape}")
    return sample


def _covering(height: int, width: int, rows: int, columns: int) -> Size:
    """Return the least size of the same proportions that covers rows × columns; the longer side is rounded down."""
    if height * columns <= width * rows:
        return rows, rows * width // height
    return columns * height // width, columns
