"""Panoptic quality of every image, of all its nuclei and type by type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.tasks.pathology.names import TYPES
from benchhub.tasks.stained.instances import overlaps, pq, relabel

Floats = NDArray[np.float64]

#: Columns of the table: of all nuclei, of each type, the mean of the types that are there, tissue.
BINARY, FIRST_TYPE, OF_TYPES, TISSUE = 0, 1, 1 + len(TYPES), 2 + len(TYPES)


def scores(outputs: Array, labels: Array) -> Floats:
    """Return the panoptic quality of each image, (N, 8): see the columns above.

    NaN where the truth has no nuclei (of the type). `outputs` (N, 2, H, W) are the numbers of the
    nuclei and their types, `labels` (N, 3, H, W) these and the tissue. A pair counts for a type if
    both are of it. ValueError if they do not fit.
    """
    if outputs.ndim != 4 or outputs.shape[1] != 2 or labels.ndim != 4:
        raise ValueError(f"outputs of shape {outputs.shape} are no maps of nuclei")
    rows = [_image(one, truth) for one, truth in zip(outputs, labels, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(labels), TISSUE + 1)


def _image(output: Array, label: Array) -> list[float]:
    pairs = overlaps(label[0], output[0])
    iou = pairs.iou
    right = iou > 0.5  # at most one for each nucleus, of either map
    true, mine = _kinds(label), _kinds(output)
    everything = _quality(right, iou, true > 0, mine > 0)
    by_type = [_quality(right, iou, true == k, mine == k) for k in range(1, len(TYPES) + 1)]
    there = [value for value in by_type if not np.isnan(value)]
    mean = float(np.mean(there)) if there else np.nan
    return [everything, *by_type, mean, float(label[2, 0, 0])]


def _quality(right: Array, iou: Array, true: Array, mine: Array) -> float:
    if not true.any():
        return np.nan
    chosen = right & true[:, None] & mine[None, :]
    hits = int(chosen.sum())
    return pq(float(iou[chosen].sum()), hits, int(mine.sum()) - hits, int(true.sum()) - hits)


def _kinds(maps: Array) -> Array:
    """Return the type of each nucleus, in the order of their numbers."""
    numbers = relabel(maps[0])
    kinds = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.int16)
    kinds[numbers.reshape(-1)] = maps[1].reshape(-1)
    return kinds[1:]
