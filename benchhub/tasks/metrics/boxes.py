"""COCO's mean average precision of detections, matched by pycocotools, under weights of images.

`outputs` and `labels` are those of `Reads.BOXES`. Images are resampled: which detection finds which
true box is decided within an image, so that is done once; precision over recall is summed up anew
for each resample, as `COCOeval.accumulate` does of the images that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import MissingExtra
from benchhub.model.arrays import Array
from benchhub.model.quality import SHARE, CaseTable, Reads
from benchhub.tasks.case_tables import table_metric

Floats = NDArray[np.float64]

#: As COCO has them: overlaps from which on a box is found, and the levels of recall.
OVERLAPS = np.linspace(0.5, 0.95, 10)
_LEVELS = np.linspace(0.0, 1.0, 101)
#: COCO counts so many detections of a class in an image, those of the highest scores.
MOST = 100
#: A detection's whole number in a table: class, whether it is left out, and matched, at each of
#: `OVERLAPS`, a bit each.
_BITS = len(OVERLAPS)
#: So many images are left out at once, each for itself.
_AT_ONCE = 256


def matches(outputs: Array, labels: Array) -> Floats:
    """Return what pycocotools finds in each image, (cases, 1 + classes + 2 n).

    The number of classes; true boxes of each; then detections, NaN where there is none: the score,
    and a whole number of class and matches. MissingExtra: pycocotools is not installed.
    """
    classes = int(labels[..., 4].max(initial=-1)) + 1
    rows = [_of_image(*one, classes) for one in zip(outputs, labels, strict=True)]
    width = max((len(found) for _, found in rows), default=0)
    table = np.full((len(rows), 1 + classes + 2 * width), np.nan)
    table[:, 0] = classes
    for row, (counts, found) in zip(table, rows, strict=True):
        row[1 : 1 + classes] = counts
        row[1 + classes : 1 + classes + 2 * len(found)] = found.reshape(-1)
    return table


def _of_image(detections: Array, true: Array, classes: int) -> tuple[Floats, Floats]:
    """Return the true boxes of each class, and each detection's score and number: (n, 2)."""
    counts = np.zeros(classes)
    parts: list[Floats] = []
    for index in range(classes):
        mine, theirs = detections[detections[:, 5] == index], true[true[:, 4] == index]
        counts[index] = np.count_nonzero(theirs[:, 5] == 0)
        if len(mine):
            order = np.argsort(-mine[:, 4], kind="stable")[:MOST]
            matched, left_out = _matched(mine[order], theirs)
            bits = 1 << np.arange(_BITS)
            number = (index << _BITS | bits @ left_out) << _BITS | bits @ matched
            parts.append(np.stack([mine[order, 4], number.astype(np.float64)], axis=1))
    return counts, np.concatenate(parts) if parts else np.empty((0, 2))


def _matched(found: Array, true: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which detections find a true box, and which are left out, both (overlaps, n)."""
    evaluation = _evaluation()
    given = [
        {"id": at + 1, "bbox": box, "area": box[2] * box[3], "score": float(row[4])}
        for at, (box, row) in enumerate(zip(_sized(found), found, strict=True))
    ]
    wanted = [
        {"id": at + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": crowd, "ignore": crowd}
        for at, (box, crowd) in enumerate(
            zip(_sized(true), true[:, 5].astype(int).tolist(), strict=True)
        )
    ]
    evaluation._dts, evaluation._gts = {(0, 0): given}, {(0, 0): wanted}
    evaluation.ious = {(0, 0): evaluation.computeIoU(0, 0)}
    every = evaluation.params.areaRng[0]
    told = evaluation.evaluateImg(0, 0, every, MOST)
    left_out = np.asarray(told["dtIgnore"], dtype=bool)
    return (np.asarray(told["dtMatches"]) > 0) & ~left_out, left_out


def _sized(boxes: Array) -> list[list[float]]:
    """Return boxes as x, y, width, height; one that ends before it begins is empty."""
    sides = np.maximum(boxes[:, 2:4] - boxes[:, :2], 0.0)
    told: list[list[float]] = np.concatenate([boxes[:, :2], sides], axis=1).tolist()
    return told


def _evaluation() -> Any:
    try:
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise MissingExtra(
            "COCO's mean average precision is computed with pycocotools, which is not installed"
            f" ({error}); pip install 'benchhub[detection]'",
            "pycocotools is not installed",
        ) from error
    made = COCOeval(iouType="bbox")
    assert np.array_equal(made.params.iouThrs, OVERLAPS)
    return made


def precision_by_class(table: Floats, weights: Array, which: Sequence[int]) -> Floats:
    """Return each class's average precision, the mean over overlaps `which`: (resamples, classes).

    NaN where a resample holds no true box of it.
    """
    counts = np.asarray(weights, dtype=np.float64)
    found = np.full((len(counts), int(table[0, 0])), np.nan)
    for of in _classes(table):
        found[:, of.index] = _precisions(of, counts, which)
    return found


def by_case(table: Floats, which: Sequence[int]) -> Floats:
    """Return what each case adds: the metric, and what it loses without the case (jackknife).

    A class is worked out anew without those images only that it is in.
    """
    cases, known, total = len(table), 0, 0.0
    lost, gone = np.zeros(cases), np.zeros(cases)
    for of in _classes(table):
        inside = np.union1d(np.flatnonzero(of.positive), of.image)
        value = float(_precisions(of, np.ones((1, cases)), which)[0])
        known, total = known + 1, total + value
        for start in range(0, len(inside), _AT_ONCE):
            rows = inside[start : start + _AT_ONCE]
            counts = np.ones((len(rows), cases))
            counts[np.arange(len(rows)), rows] = 0
            without = _precisions(of, counts, which)
            gone[rows] += np.isnan(without)
            lost[rows] += value - np.nan_to_num(without, nan=0.0)
    if not known:
        return np.full(cases, np.nan)
    whole = total / known
    undefined = np.full(cases, np.nan)
    without = np.divide(total - lost, known - gone, out=undefined, where=known > gone)
    change = (cases - 1) * (whole - without)
    return np.asarray(whole + change - change.mean(), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _OfClass:
    """A class: its true boxes by image, and image and number of its detections in their order."""

    index: int
    positive: Floats
    image: NDArray[np.int64]
    number: NDArray[np.int64]


def _classes(table: Floats) -> Iterator[_OfClass]:
    """Yield each class that has true boxes.

    The detections come with falling scores; of equal ones as COCO has them, in order of the images.
    """
    classes = int(table[0, 0])
    detections = table[:, 1 + classes :].reshape(len(table), -1, 2)
    image, place = np.nonzero(~np.isnan(detections[..., 0]))
    scores, numbers = detections[image, place].T
    order = np.argsort(-scores, kind="stable")
    image, number = image[order], numbers[order].astype(np.int64)
    of = number >> 2 * _BITS
    for index in range(classes):
        positive = table[:, 1 + index]
        if positive.any():
            mine = of == index
            yield _OfClass(index, positive, image[mine], number[mine])


def _precisions(of: _OfClass, counts: Floats, which: Sequence[int]) -> Floats:
    """Return a class's average precision, the mean over overlaps `which`; NaN: no true box."""
    wanted = counts @ of.positive
    given = counts[:, of.image]
    every = np.cumsum(given, axis=1)
    total = np.zeros(len(counts))
    for overlap in which:
        right = of.number >> overlap & 1 == 1
        left_out = of.number >> _BITS + overlap & 1 == 1
        answered = every
        if left_out.any():
            answered = np.cumsum(np.where(left_out, 0.0, given), axis=1)
        total += _precision(np.cumsum(given[:, right], axis=1), answered[:, right], wanted)
    undefined = np.full(len(counts), np.nan)
    return np.asarray(np.divide(total, len(which), out=undefined, where=wanted > 0), np.float64)


def _precision(found: Floats, answered: Floats, wanted: Floats) -> Floats:
    """Return the mean over levels of recall of the best precision at that recall or a higher one.

    `found` and `answered` are counted up to each right detection, (resamples, n). A level falls to
    the first detection that reaches it, which is a right one: it is enough to look at those, and of
    copies of one detection at the last, whose precision is the highest.
    """
    precision = found / (answered + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = np.divide(found, wanted[:, None], out=np.zeros_like(found), where=wanted[:, None] > 0)
    reached = np.searchsorted(_LEVELS, recall, side="right")
    levels = np.diff(reached, axis=1, prepend=0)
    return np.asarray((best * levels).sum(axis=1) / len(_LEVELS), dtype=np.float64)


def _of(which: Sequence[int]) -> CaseTable:
    def weighted(table: Floats, weights: Array) -> Floats:
        values = precision_by_class(table, weights, which)
        known = ~np.isnan(values)
        total, count = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
        undefined = np.full(len(values), np.nan)
        return np.asarray(np.divide(total, count, out=undefined, where=count > 0), np.float64)

    def parts(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
        values = precision_by_class(table, np.ones((1, len(table))), which)[0].tolist()
        names = names or tuple(map(str, range(len(values))))
        return {n: v for n, v in zip(names, values, strict=False) if not np.isnan(v)}

    return CaseTable(matches, weighted, parts, lambda table: by_case(table, which))


#: None has a chance: what one answer for all images reaches is not known, and near 0.
COCO_MAP = table_metric("coco_map", _of(range(_BITS)), reads=Reads.BOXES, within=SHARE)
COCO_MAP50 = table_metric("coco_map50", _of([0]), reads=Reads.BOXES, within=SHARE)
COCO_MAP75 = table_metric("coco_map75", _of([5]), reads=Reads.BOXES, within=SHARE)
