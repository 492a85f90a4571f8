"""Any picture as the centre square that image towers take: short side to 224, centre crop."""

import numpy as np
from PIL import Image

from pipeline.messages import Array, Clip, Sample

SIDE = 224


def centre_square(picture: Array, resample: Image.Resampling) -> Array:
    """Return (224, 224) or (224, 224, 3) of the picture's dtype, uint8 or float32; PIL's filters are antialiased.

    Sizes are rounded as torchvision rounds them. Only the square's own part is resampled, columns before rows, which
    gives what a resize and then a crop would give, but for rounding, and stays small for a picture of any proportions.
    """
    height, width = picture.shape[:2]
    scale = SIDE / min(height, width)
    tall, wide = max(SIDE, int(height * scale)), max(SIDE, int(width * scale))
    top, left = round((tall - SIDE) / 2), round((wide - SIDE) / 2)
    columns = (left * width / wide, 0, (left + SIDE) * width / wide, height)
    rows = (0, top * height / tall, SIDE, (top + SIDE) * height / tall)
    narrow = Image.fromarray(picture).resize((SIDE, height), resample, columns)
    return np.asarray(narrow.resize((SIDE, SIDE), resample, rows))


def central_sample(clip: Clip) -> Sample:
    """Return the sample nearest to the clip's centre. Raise ValueError for an empty clip or one that is no picture."""
    if not clip.samples:
        raise ValueError(f"{clip.topic}: no sample in [{clip.start}, {clip.end})")
    centre = (clip.start + clip.end) // 2
    sample = min(clip.samples, key=lambda sample: abs(sample.stamp - centre))
    if sample.data.ndim != 2 or sample.data.size == 0:
        raise ValueError(f"{clip.topic}: a {clip.modality} frame is (H, W), this one is {sample.data.shape}")
    return sample
