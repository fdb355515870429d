"""How nuclei are judged: as objects (AJI, AJI+, PQ), as pixels (Dice), and by their distance map.

Predictions are (N, 2, H, W): numbers of nuclei and encoded distances, see `watershed.predict`.
Labels are numbers of nuclei, (N, H, W); the true distance map is made from them. Scores of objects
and Dice are the mean over cases of each case's score; a case with nuclei neither in truth nor in
the prediction counts 1, and one with nuclei in only one of them 0. `mse` and `r2` are over all
pixels, background included; r2 = 1 - SSE / SST, SST about the mean of all pixels of all cases.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import NOT_NEGATIVE, SHARE
from benchhub.tasks.case_tables import mean_metric, summed_metric, worst
from benchhub.tasks.nuclei.distance import distances
from benchhub.tasks.nuclei.watershed import decoded, predict
from benchhub.tasks.stained.instances import overlaps, pq

Floats = NDArray[np.float64]

_AJI, _AJI_PLUS, _PQ, _DICE, _MSE, _DETECTED, _SEGMENTED, _INSIDE, _OUTSIDE = range(9)
#: Columns of sums over pixels: their number, of distance, of its square, of the squared error.
_PIXELS, _FIRST, _SECOND, _ERROR = range(9, 13)
_COLUMNS = 13


def scores(predictions: Array, labels: Array) -> Floats:
    """Return the numbers of each case that the metrics below are made of: (N, 13).

    `predictions` are (N, 2, H, W), those of `predict` or outputs it reads; `labels` (N, H, W).
    ValueError where the shapes do not fit.
    """
    if predictions.dtype.kind == "f":
        predictions = predict(predictions)
    if predictions.ndim != 4 or predictions.shape[1] != 2 or (
        predictions.shape[0], *predictions.shape[2:]
    ) != labels.shape:  # fmt: skip
        raise ValueError(f"predictions of {predictions.shape} do not fit labels of {labels.shape}")
    table = np.empty((len(labels), _COLUMNS))
    for row, (found, steps), truth in zip(table, predictions, labels, strict=True):
        row[:_MSE], row[_DETECTED : _SEGMENTED + 1] = _of_objects(truth, found)
        row[_MSE], row[_INSIDE:] = _of_distances(truth, steps)
    return table


def _of_objects(truth: Array, found: Array) -> tuple[list[float], list[float]]:
    lie = overlaps(truth, found)
    iou, right, extra, missed = lie.panoptic()
    told = [lie.aji(), lie.aji_plus(), pq(iou, right, extra, missed), lie.dice()]
    # detection and segmentation quality, whose product is panoptic quality
    return told, [pq(right, right, extra, missed), iou / right if right else np.nan]


def _of_distances(truth: Array, steps: Array) -> tuple[float, list[float]]:
    true = distances(truth.astype(np.int32, copy=False)).astype(np.float64)
    squared = (decoded(steps) - true) ** 2
    inside = truth > 0
    apart = [float(squared[where].mean()) if where.any() else np.nan for where in (inside, ~inside)]
    sums = [float(true.size), float(true.sum()), float((true**2).sum()), float(squared.sum())]
    return float(squared.mean()), apart + sums


def _explained(sums: Floats) -> Floats:
    about = sums[:, _SECOND] - sums[:, _FIRST] ** 2 / sums[:, _PIXELS]
    return np.asarray(1 - sums[:, _ERROR] / about, dtype=np.float64)


def _of_panoptic(table: Floats, _: tuple[str, ...]) -> dict[str, float]:
    return _means(table, {"detection": _DETECTED, "segmentation": _SEGMENTED})


def _of_error(table: Floats, _: tuple[str, ...]) -> dict[str, float]:
    return _means(table, {"nucleus pixels": _INSIDE, "background pixels": _OUTSIDE})


def _means(table: Floats, columns: dict[str, int]) -> dict[str, float]:
    return {
        name: float(np.nanmean(table[:, column]))
        for name, column in columns.items()
        if not np.isnan(table[:, column]).all()
    }


AJI = mean_metric("aji", scores, _AJI, within=SHARE)
AJI_PLUS = mean_metric("aji_plus", scores, _AJI_PLUS, within=SHARE)
PQ = mean_metric("pq", scores, _PQ, parts=_of_panoptic, within=SHARE)
#: Of nucleus against background; the cardiac task has the plain name.
DICE = mean_metric("nuclei_dice", scores, _DICE, within=SHARE)
MSE = mean_metric("mse", scores, _MSE, higher_is_better=False, parts=_of_error, within=NOT_NEGATIVE)
R2 = summed_metric("r2", scores, _explained, within=(-math.inf, 1.0))

METRICS = (AJI, AJI_PLUS, PQ, DICE, MSE, R2, worst(AJI), worst(DICE))
