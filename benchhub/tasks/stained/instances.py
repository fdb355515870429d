"""How well the objects of one image were found: Dice, AJI, AJI+ and panoptic quality.

Images are integer maps (H, W): 0 is background, every other number one object, in any order. What a
score is without objects: 1 if neither map has any (nothing was to be found, and nothing was), 0 if
only one has. Sources: N. Kumar et al., IEEE Trans. Med. Imaging 36 (2017) for AJI; S. Graham et
al., Med. Image Anal. 58 (2019) for AJI+; A. Kirillov et al., Panoptic Segmentation (2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array

Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

#: A found object is right if it and a true one share more than this of their union; only one can.
_MATCH = 0.5
#: Tables of counts up to this many entries are cheaper than sorting the pixels.
_TABLE = 1 << 22


@dataclass(frozen=True, slots=True)
class Overlaps:
    """How the objects of a true map and of a predicted one lie over each other.

    `truth` (n,) and `prediction` (m,) are areas in pixels, `shared` (n, m) the pixels in common, in
    the order of the objects' numbers. `truth_order` (n,) and `prediction_order` (m,) are indices by
    their first pixels: of matches of equal IoU the one further up is taken, whatever its number.
    """

    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]
    shared: NDArray[np.int64]
    truth_order: NDArray[np.intp]
    prediction_order: NDArray[np.intp]

    @property
    def iou(self) -> Floats:
        """Return intersection over union of each pair, (n, m)."""
        union = self.truth[:, None] + self.prediction[None, :] - self.shared
        return np.asarray(self.shared / np.maximum(union, 1), dtype=np.float64)

    def dice(self) -> float:
        """Return 2 |A n B| / (|A| + |B|) of what is object at all, 1 if both are empty."""
        total = int(self.truth.sum() + self.prediction.sum())
        return 2 * int(self.shared.sum()) / total if total else 1.0

    def aji(self) -> float:
        """Return the aggregated Jaccard index; a prediction may match several true objects.

        Every true object takes the prediction of best IoU. The sum of intersections is divided by
        the sum of unions and of the areas that nothing was matched with.
        """
        if not self.shared.any():
            return self._without_overlap()
        iou = self.iou
        best = self.prediction_order[iou[:, self.prediction_order].argmax(axis=1)]
        rows = np.flatnonzero(iou[np.arange(len(best)), best] > 0)
        return self._aggregate(rows, best[rows])

    def aji_plus(self) -> float:
        """Return AJI with one-to-one matches, those of the largest sum of IoU."""
        if not self.shared.any():
            return self._without_overlap()
        from scipy.optimize import linear_sum_assignment

        iou = self.iou
        # objects that touch nothing cannot match; leaving them out keeps the assignment small
        touched, touching = (np.asarray(self.shared.any(axis=axis)) for axis in (1, 0))
        near = self.truth_order[touched[self.truth_order]]
        far = self.prediction_order[touching[self.prediction_order]]
        rows, columns = linear_sum_assignment(iou[np.ix_(near, far)], maximize=True)
        rows, columns = near[rows], far[columns]
        paired = iou[rows, columns] > 0
        return self._aggregate(rows[paired], columns[paired])

    def panoptic(self) -> tuple[float, int, int, int]:
        """Return the sum of IoU over true positives, and the counts of TP, FP and FN."""
        matched = self.iou[self.iou > _MATCH]
        found = int(matched.size)
        return (
            float(matched.sum()),
            found,
            len(self.prediction) - found,
            len(self.truth) - found,
        )

    def _aggregate(self, rows: Array, columns: Array) -> float:
        shared = int(self.shared[rows, columns].sum())
        unions = int(self.truth[rows].sum() + self.prediction[columns].sum()) - shared
        alone = int(np.delete(self.truth, rows).sum())
        alone += int(np.delete(self.prediction, np.unique(columns)).sum())
        return shared / (unions + alone)

    def _without_overlap(self) -> float:
        return 0.0 if self.truth.size or self.prediction.size else 1.0


def overlaps(truth: Array, prediction: Array) -> Overlaps:
    """Return how two maps of one shape lie over each other; ValueError if they do not fit."""
    if truth.shape != prediction.shape:
        raise ValueError(f"maps of shapes {truth.shape} and {prediction.shape} do not fit")
    true, found = relabel(truth), relabel(prediction)
    rows, columns = int(true.max(initial=0)) + 1, int(found.max(initial=0)) + 1
    code = true.reshape(-1).astype(np.int64) * columns + found.reshape(-1)
    if rows * columns <= _TABLE:
        table = np.bincount(code, minlength=rows * columns).reshape(rows, columns)
    else:
        pairs, counts = np.unique(code, return_counts=True)
        table = np.zeros((rows, columns), dtype=np.int64)
        table.reshape(-1)[pairs] = counts
    return Overlaps(
        table.sum(axis=1)[1:], table.sum(axis=0)[1:], table[1:, 1:],
        _by_first_pixel(true, rows), _by_first_pixel(found, columns),
    )  # fmt: skip


def _by_first_pixel(labels: Labels, count: int) -> NDArray[np.intp]:
    """Return the indices of objects 1, 2, ... `count` - 1 in the order of their first pixels."""
    flat = labels.reshape(-1)
    first = np.zeros(count, dtype=np.int64)
    first[flat[::-1]] = np.arange(flat.size, 0, -1)  # of several, the last is kept: the first pixel
    return np.argsort(first[1:])


def relabel(labels: Array) -> Labels:
    """Return the map with its objects numbered 1, 2, ... in the order of their old numbers.

    ValueError for anything but integers of at least 0.
    """
    if labels.dtype.kind not in "biu":
        raise ValueError(f"a map of objects holds whole numbers, not {labels.dtype}")
    if not labels.size:
        return np.zeros(labels.shape, dtype=np.int32)
    if int(labels.min()) < 0:
        raise ValueError("a map of objects holds a number below 0; 0 is background")
    largest = int(labels.max())
    flat = labels.reshape(-1)
    if largest <= _TABLE:
        there = np.zeros(largest + 1, dtype=bool)
        there[flat.astype(np.intp)] = True
        there[0] = True
        new = np.cumsum(there, dtype=np.int32) - np.int32(1)
        return np.asarray(new[flat.astype(np.intp)], dtype=np.int32).reshape(labels.shape)
    old, inverse = np.unique(flat, return_inverse=True)
    first = 0 if old[0] == 0 else 1
    return np.asarray(inverse.reshape(labels.shape) + first, dtype=np.int32)


def from_outlines(outlines: Iterable[Array], shape: tuple[int, int]) -> Labels:
    """Return the map of polygons, numbered from 1 in their order; later ones lie over earlier.

    Each outline is (vertices, 2) of x and y in pixels, pixel centres at whole numbers. Vertices may
    lie between pixels and outside the map. An outline of fewer than three vertices, of no area, or
    wholly outside covers no pixel but keeps its number; so may one that others cover.
    """
    from skimage.draw import polygon

    labels = np.zeros(shape, dtype=np.int32)
    for number, outline in enumerate(outlines, start=1):
        if len(outline) < 3:
            continue
        fill: Any = polygon  # without types
        rows, columns = fill(outline[:, 1], outline[:, 0], shape)
        labels[rows, columns] = number
    return labels


def pq(iou: float, tp: int, fp: int, fn: int) -> float:
    """Return panoptic quality: the sum of IoU over TP + FP / 2 + FN / 2; 1 if there is nothing."""
    objects = tp + 0.5 * fp + 0.5 * fn
    return iou / objects if objects else 1.0
