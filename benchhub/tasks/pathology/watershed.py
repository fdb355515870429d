"""From the network's maps to nuclei: the watershed of HoVer-Net, by the jumps of its distances.

After S. Graham et al., HoVer-Net, Medical Image Analysis 58 (2019). Where two nuclei touch, the
distance to the left (upper) one's middle jumps from 1 to -1: there runs the watershed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchhub.model.arrays import Array
from benchhub.tasks.pathology.names import TYPES

#: A fall of the distance maps by so much a pixel is no nucleus's inside.
_JUMP = 0.10
#: Smaller ones are no nuclei, or not their kernel, in pixels.
_LEAST_AREA, _LEAST_KERNEL = 10, 4

Maps = NDArray[np.int16]


def nuclei(outputs: Array) -> Maps:
    """Return the numbers of the nuclei and their types, int16 (N, 2, H, W), 0 where there is none.

    `outputs` are the maps of `model`, (N, 10, H, W). What is not a number counts as ground, so
    outputs of a broken model give few nuclei or none.
    """
    found = np.zeros((len(outputs), 2, *outputs.shape[2:]), dtype=np.int16)
    for maps, planes in zip(outputs, found, strict=True):
        planes[0], planes[1] = _image(np.asarray(maps, dtype=np.float32))
    return found


def _image(maps: NDArray[np.float32]) -> tuple[Array, Array]:
    known = np.isfinite(maps).all(axis=0)
    maps = np.where(known, maps, np.float32(0))
    inside = known & (maps[1] > maps[0])
    numbers = _separate(inside, maps[2], maps[3])
    return numbers, _types(numbers, maps[4 : 5 + len(TYPES)])


def _separate(inside: NDArray[np.bool_], horizontal: Array, vertical: Array) -> Array:
    from skimage import segmentation

    watershed: Callable[..., Array] = segmentation.watershed  # it comes without types

    inside = _without_small(inside, _LEAST_AREA)
    if not inside.any():
        return np.zeros(inside.shape, dtype=np.int32)
    # Sobel's 3x3 kernel, scaled to a change per pixel; a fall is negative
    across = ndimage.sobel(np.clip(horizontal, -2, 2), axis=1) / 8
    down = ndimage.sobel(np.clip(vertical, -2, 2), axis=0) / 8
    fall = np.where(inside, np.maximum(-across, -down), 0)
    kernels = inside & (fall < _JUMP)
    # a ring of ground about a nucleus makes falls too: kernels are kept where they are thick
    kernels = ndimage.binary_opening(kernels, _CROSS)
    kernels = _without_small(ndimage.binary_fill_holes(kernels), _LEAST_KERNEL)
    markers, _ = ndimage.label(kernels)
    whole, count = ndimage.label(inside)
    # a nucleus too thin for a kernel is one all the same
    empty = np.setdiff1d(np.arange(1, count + 1), whole[kernels])
    lost = np.isin(whole, empty)
    markers[lost] = whole[lost] + markers.max()
    height = ndimage.gaussian_filter(np.maximum(fall, 0), 0.7)
    numbers = watershed(height, markers, mask=inside)
    _, dense = np.unique(numbers, return_inverse=True)
    return np.where(numbers > 0, dense.reshape(numbers.shape), 0)


_CROSS = ndimage.generate_binary_structure(2, 1)


def _without_small(there: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    pieces, _ = ndimage.label(there)
    areas = np.bincount(pieces.reshape(-1))
    areas[0] = 0
    return np.asarray((areas >= least)[pieces], dtype=np.bool_)


def _types(numbers: Array, logits: NDArray[np.float32]) -> Array:
    """Give each nucleus the type of the largest mean probability over its pixels."""
    count = int(numbers.max(initial=0))
    if not count:
        return np.zeros(numbers.shape, dtype=np.int16)
    odds = np.exp(logits - logits.max(axis=0))
    odds /= odds.sum(axis=0)
    flat = numbers.reshape(-1)
    sums = np.stack([
        np.bincount(flat, plane.reshape(-1), minlength=count + 1) for plane in odds[1:]
    ])  # fmt: skip
    kinds = 1 + sums.argmax(axis=0)
    kinds[0] = 0
    return np.asarray(kinds[numbers], dtype=np.int16)
