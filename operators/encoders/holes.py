"""Pictures in which pixels are missing."""

import numpy as np
from PIL import Image
from scipy import ndimage

from operators.encoders.picture import Size, fitted
from pipeline.messages import Array

LITTLE = 1e-3
"""A pixel of the model's size that valid ones make up less of is a hole."""


def fitted_without_holes(picture: Array, valid: Array, size: Size, crop: bool) -> Array | None:
    """Return (rows, columns) float32 of ``picture`` (H, W), where ``valid`` (H, W) says which pixels count.

    A hole takes the mean of the valid pixels under the resampling filter (bilinear), and a wider one the value of the
    nearest that has any: nothing is blurred in from what is missing. None if no pixel is valid in what is kept.
    """

    def resized(values: Array) -> Array:
        return fitted(values, size, crop, Image.Resampling.BILINEAR)

    if valid.all():
        return resized(picture.astype(np.float32))
    weights = resized(valid.astype(np.float32))
    sums = resized(np.where(valid, picture, 0).astype(np.float32))
    hole = weights < LITTLE
    if hole.all():
        return None
    filled: Array = sums / np.where(hole, 1, weights)
    if hole.any():
        nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
        filled = filled[tuple(nearest)]
    return filled
