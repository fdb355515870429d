"""From the two branches' maps to nuclei: a watershed of the predicted distance within the mask.

A pixel is nucleus where its logit is above 0. The distance map is smoothed by a Gaussian of
`SMOOTH` pixels; its peaks of at least `PEAK`, and `APART` pixels or more from higher ones, mark one
nucleus each, and the watershed of the negative map shares the pixels out. A patch of pixels without
a peak is one nucleus, so that an empty distance branch costs the separation and not the nuclei.
Nuclei of fewer than `LEAST` pixels are dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.tasks.stained.instances import Labels, relabel

SMOOTH, PEAK, APART, LEAST = 1.0, 0.30, 3, 12
#: Distances are kept from -1 to 2 in steps of 1 / STEPS; what lies beyond counts as the end.
LOWEST, STEPS = -1.0, 20_000.0
_HIGHEST = 2.0


def predict(outputs: Array) -> NDArray[np.uint16]:
    """Return nuclei and distances of outputs (N, 2, H, W), logit and distance: uint16, same shape.

    The first map numbers the nuclei from 1, the second holds distances as `encoded`. NaN is no
    nucleus and a distance of 0. ValueError if outputs are of another shape.
    """
    if outputs.ndim != 4 or outputs.shape[1] != 2:
        raise ValueError(
            f"outputs of shape {outputs.shape} are no logit and distance of each pixel"
        )
    known = np.nan_to_num(np.asarray(outputs, dtype=np.float32), nan=0.0)
    made = np.empty(outputs.shape, dtype=np.uint16)
    for one, (logit, distance) in zip(made, known, strict=True):
        one[0] = separated(logit > 0, np.clip(distance, LOWEST, _HIGHEST))
        one[1] = encoded(distance)
    return made


def separated(nucleus: NDArray[np.bool_], distance: Array) -> Labels:
    """Return the nuclei, numbered from 1, of a mask and a map of distances, both (H, W)."""
    from scipy.ndimage import gaussian_filter, label
    from skimage import feature, segmentation

    peaks_of: Any = feature.peak_local_max  # both without types
    flood: Any = segmentation.watershed
    if not nucleus.any():
        return np.zeros(nucleus.shape, dtype=np.int32)
    smooth = gaussian_filter(np.asarray(distance, dtype=np.float32), SMOOTH)
    peaks = peaks_of(
        np.where(nucleus, smooth, LOWEST),
        min_distance=APART,
        threshold_abs=PEAK,
        exclude_border=False,
    )
    marks = np.zeros(nucleus.shape, dtype=np.int32)
    marks[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    shared = np.asarray(flood(-smooth, marks, mask=nucleus), dtype=np.int32)
    patches, _ = label(nucleus & (shared == 0))
    whole = np.where(patches > 0, patches + len(peaks), shared)
    areas = np.bincount(whole.reshape(-1))
    return relabel(np.where(areas[whole] >= LEAST, whole, 0))


def encoded(distance: Array) -> NDArray[np.uint16]:
    """Return distances as whole steps from `LOWEST`, clipped to -1..2."""
    steps = np.rint((np.clip(distance, LOWEST, _HIGHEST) - LOWEST) * STEPS)
    return np.asarray(steps, dtype=np.uint16)


def decoded(steps: Array) -> NDArray[np.float32]:
    """Return the distances that `encoded` made steps of."""
    return np.asarray(steps / np.float32(STEPS) + np.float32(LOWEST), dtype=np.float32)
