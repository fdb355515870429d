"""Detections and true boxes as a metric sees them, of whichever outputs hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import BoxReading, Reading
from benchhub.tasks.contract.looks import from_0_to_1, softmax, whole

Floats = NDArray[np.float64]

#: Of a class no more are looked at, as COCO counts.
_MOST = 100
#: Boxes are shares of an image, and not pixels, where none lies further out.
_SHARES = 2.0


def true_boxes(labels: Array) -> Floats:
    """Return x1, y1, x2, y2, class and whether it is a crowd, (cases, n, 6); class -1: no box.

    ValueError: they are no boxes.
    """
    if labels.ndim != 3 or labels.shape[2] not in (4, 5, 6):
        raise ValueError(
            "labels should be the true boxes, (cases, n, 4 to 6): x1, y1, x2, y2, class, 1 for a"
            " crowd; rows of 0 where a case has fewer"
        )
    found = np.zeros((*labels.shape[:2], 6))
    found[..., : labels.shape[2]] = labels
    none = ~found[..., :4].any(axis=2) | (found[..., 4] == -1)
    found[none] = [0, 0, 0, 0, -1, 0]
    there = found[~none]
    if not len(there):
        raise ValueError("labels hold no box")
    if not ((there[:, 2] > there[:, 0]) & (there[:, 3] > there[:, 1])).all():
        case = int(np.argwhere((found[..., 2:4] <= found[..., :2]).any(axis=2) & ~none)[0, 0])
        raise ValueError(
            f"a true box of case {case} ends before it begins; they are x1, y1, x2, y2"
        )  # fmt: skip
    if not whole(there[:, 4]) or there[:, 4].min() < 0:
        raise ValueError(
            "classes of true boxes are whole numbers from 0 on, -1 where there is none"
        )
    if not ((there[:, 5] == 0) | (there[:, 5] == 1)).all():
        raise ValueError("the sixth number of a true box is 1 for a crowd, else 0")
    return found


def detections(outputs: Sequence[Array], reading: Reading) -> Floats:
    """Return x1, y1, x2, y2, score and class in the labels' units, (cases, n, 6); class -1: none.

    `outputs` are all of the model's. Rows of a score that is not above 0 are none, where scores are
    probabilities; where they are logits, rows that are all 0. ValueError: they do not fit the
    reading.
    """
    how = reading.boxes
    assert how is not None
    places = (reading.output, how.scores, how.classes, how.count)
    if max(places) >= len(outputs):
        raise ValueError(f"output {max(places)} is missing: there are {len(outputs)}")
    boxes, scores, classes, count = (
        np.asarray(outputs[at], dtype=np.float64) if at >= 0 else None for at in places
    )
    assert boxes is not None
    parts = [one for one in (boxes, scores, classes, count) if one is not None]
    if not all(np.isfinite(one).all() for one in parts):
        raise ValueError("outputs are not finite")
    if boxes.ndim != 3:
        raise ValueError(f"boxes of shape {boxes.shape}")
    if scores is None:
        boxes, scores, classes = _together(boxes, reading)
    corners = _corners(boxes[..., :4], how)
    _check(corners, scores, classes, reading)
    none = np.zeros(corners.shape[:2], bool)
    if reading.scores == "logits":
        none = _filling(boxes, scores)
    if count is not None:
        none = none | (np.arange(corners.shape[1]) >= count.reshape(len(corners), -1)[:, :1])
    found = _listed(corners, scores, classes, none, reading)
    least = 0.0 if reading.scores == "probabilities" else -np.inf
    found[(found[..., 4] <= least) | (found[..., 5] < 0)] = [0, 0, 0, 0, 0, -1]
    return found


def _together(boxes: Floats, reading: Reading) -> tuple[Floats, Floats, Floats | None]:
    """Return boxes, scores and classes of one output that holds them all."""
    if boxes.shape[2] != 4 + reading.columns:
        raise ValueError(f"rows of {boxes.shape[2]} where there should be {4 + reading.columns}")
    return boxes, boxes[..., 4], boxes[..., 5] if reading.columns == 2 else None


def _check(corners: Floats, scores: Floats, classes: Floats | None, reading: Reading) -> None:
    """Raise ValueError where scores or classes are not of these boxes."""
    of_each = reading.boxes is not None and reading.boxes.per_box
    if scores.shape[:2] != corners.shape[:2] or (
        classes is not None and classes.reshape(len(classes), -1).shape != corners.shape[:2]
    ):
        raise ValueError(f"scores of shape {scores.shape} for boxes of shape {corners.shape}")
    if of_each and (scores.ndim != 3 or scores.shape[2] != reading.columns):
        raise ValueError(f"scores of shape {scores.shape}, not of {reading.columns} columns")


def _filling(boxes: Floats, scores: Floats) -> NDArray[np.bool_]:
    """Return which rows only fill up, (cases, n): all 0, which as a logit is a score of a half."""
    rows = np.concatenate([boxes[..., :4], scores.reshape(*boxes.shape[:2], -1)], axis=2)
    return np.asarray((rows == 0).all(axis=2))


def _listed(
    corners: Floats,
    scores: Floats,
    classes: Floats | None,
    none: NDArray[np.bool_],
    reading: Reading,
) -> Floats:
    """Return a row of each detection: box, score (-inf for what is `none`), class."""
    how = reading.boxes
    assert how is not None
    if how.per_box:
        return _of_columns(corners, scores, none, reading)
    found = np.zeros((*corners.shape[:2], 6))
    found[..., :4] = corners
    found[..., 4] = np.where(none, -np.inf, scores.reshape(none.shape))
    if classes is not None:
        numbers = np.rint(classes.reshape(none.shape))
        if (np.abs(classes.reshape(none.shape) - numbers) > 1e-3).any():
            raise ValueError("classes of detections are no whole numbers")
        found[..., 5] = numbers - (how.background == "first")
    return found


def _of_columns(
    corners: Floats, scores: Floats, none: NDArray[np.bool_], reading: Reading
) -> Floats:
    """Return the detections of boxes that have a score of each class."""
    how = reading.boxes
    assert how is not None
    if how.background and reading.scores == "logits":
        scores = softmax(scores)
    first, last = int(how.background == "first"), scores.shape[2] - (how.background == "last")
    scores = np.where(none[..., None], -np.inf, scores[..., first:last])
    if how.per_box == "best":
        best = scores.argmax(axis=2)[..., None]
        top = np.take_along_axis(scores, best, axis=2)
        return np.concatenate([corners, top, best], axis=2)
    most = min(_MOST, scores.shape[1])
    parts = []
    for column in range(scores.shape[2]):
        order = np.argsort(-scores[..., column], axis=1, kind="stable")[:, :most]
        rows = np.full((*order.shape, 6), float(column))
        rows[..., :4] = np.take_along_axis(corners, order[..., None], axis=1)
        rows[..., 4] = np.take_along_axis(scores[..., column], order, axis=1)
        parts.append(rows)
    return np.concatenate(parts, axis=1)


def _corners(boxes: Floats, how: BoxReading) -> Floats:
    """Return x1, y1, x2, y2 in the labels' units."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if how.form == "yxyx":
        first, second = first[..., ::-1], second[..., ::-1]
    elif how.form == "cxcywh":
        first, second = first - second / 2, first + second / 2
    elif how.form == "xywh":
        second = first + second
    return np.concatenate([first * how.scale, second * how.scale], axis=2)


def are_shares(boxes: Array) -> bool:
    """Return whether boxes (n, 4) are shares of an image, and no pixels."""
    return not len(boxes) or float(np.abs(boxes).max()) <= _SHARES


def are_probabilities(scores: Array) -> bool:
    """Return whether scores lie from 0 to 1, or are -1 where there is no detection."""
    return from_0_to_1(scores[scores != -1])
