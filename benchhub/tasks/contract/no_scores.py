"""Outputs that are no scores of each class: the class itself, or the best ones in their order."""

from __future__ import annotations

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import OF_CLASSES, Metric, Reads
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.looks import one_each, zero_one
from benchhub.tasks.contract.reason import NoReading

#: Types that classes are numbered in; those of fewer bits are rather quantized scores.
_NUMBERS = ("int32", "int64")
_ORDERED = (*_NUMBERS, "uint32", "uint64")
#: What labels often have for a case that does not count, and below what classes then lie.
_VOID, _FAR = 255, 128
#: In so many cases scores of three classes do not fall by chance: one in six does.
_MANY = 8
_ALONE = "it tells the class alone, and {} is of the scores of all classes"
_ORDER = (
    "in order, the likeliest first (top-k), and not one for each class; if they are, write"
    ' scores = "probabilities" or scores = "logits" under [data]'
)
#: So many more cases are no chance.
_SURE = 10


def told_classes(metric: Metric, scores: Array, found: Array, asked: Asked) -> int | None:
    """Return how many classes there are where one column of whole numbers is the class of a case.

    `scores` are (cases, columns), `found` the labels (cases,). None: it is not. NoReading: it is,
    and the metric or the labels do not fit.
    """
    if scores.shape[1] != 1 or scores.dtype.name not in _NUMBERS or metric.reads not in OF_CLASSES:
        return None
    if found.max() < 2 and (asked.scores or not zero_one(scores)):
        return None
    if metric.reads is Reads.RANKED:
        raise NoReading(_ALONE.format(metric.name))
    if asked.scores:
        raise NoReading(f"it tells the class, and scores = {asked.scores!r} was written")
    if not asked.labels and found.min() == 1 and scores.min() == 0 and found.max() > scores.max():
        raise NoReading(
            f"it answers 0 to {int(scores.max())}, and labels are 1 to {int(found.max())}: classes"
            ' are counted from 0; write labels - 1, or labels = "class" if 0 is a class of theirs'
        )
    void = found == _VOID
    others = max(int(scores.max()), int(found[~void].max(initial=0)))
    if not asked.labels and np.count_nonzero(void) > 1 and others < _FAR:
        raise NoReading(
            f"{np.count_nonzero(void)} labels are {_VOID}, and no other label or answer is above"
            f' {others}: leave cases that do not count out, or write labels = "class" if it is one'
        )
    return max(int(found.max()), int(scores.max())) + 1


def no_scores(metric: Metric, scores: Array, asked: Asked) -> str:
    """Return that rows (cases, n) are not of a score for each class; empty: they are.

    They tell the class alone where each has one 1 among zeros. They seem to be of the best classes,
    the best first, as follows. Whole numbers seem to be those classes where each row has different
    ones from 0 on, and other numbers their scores where none rises from column to column, in more
    cases than chance has.
    """
    if metric.reads is Reads.RANKED and scores.shape[1] > 1 and one_each(scores):
        return _ALONE.format(metric.name)
    if asked.scores or scores.shape[1] < 2:
        return ""
    if scores.dtype.name in _ORDERED:
        ordered = np.sort(scores, axis=1)
        if ordered.min() >= 0 and (ordered[:, 1:] != ordered[:, :-1]).all():
            return f"each case has different whole numbers, as classes have that come {_ORDER}"
    elif scores.dtype.kind == "f" and scores.shape[1] > 2 and len(scores) >= _MANY:
        steps = np.diff(scores, axis=1)
        if (steps <= 0).all() and (steps < 0).any():
            return f"scores fall from column to column in every case, as if they came {_ORDER}"
    return ""


def one_off(scores: Array, found: Array, asked: Asked) -> str:
    """Return that labels (cases,) seem to be numbered from another class on; empty: they do not.

    So it seems where the answers are no better than one for all, and far better for the class
    beside the one that each label says.
    """
    if asked.labels or scores.shape[1] < 3:
        return ""
    answers, labels = scores.argmax(axis=1), found.astype(np.int64)
    right = int(np.count_nonzero(answers == labels))
    alike = int(np.bincount(labels).max())
    for by, fix in ((-1, "labels - 1"), (1, "labels + 1")):
        moved = int(np.count_nonzero(answers == labels + by))
        if right <= alike and moved >= max(2 * alike, right + _SURE):
            return (
                f"{right} of {len(labels)} answers are right, and {moved} would be with {fix}:"
                f' classes are counted from 0; write {fix}, or labels = "class" if it is as meant'
            )
    return ""


def scale_of_integers(metric: Metric, scores: Array, said: str, why: str) -> str:
    """Return what whole numbers are: their scale is not told, only their order."""
    if scores.shape[1] == 1 and zero_one(scores) and said in ("", "probabilities"):
        return "probabilities"  # an answer, 0 or 1
    ranked = metric.reads is Reads.COLUMNS and scores.shape[1] > 1
    if said and ranked and (said == "probabilities" or scores.shape[1] == 2):
        return said
    raise NoReading(
        f"{why}, and whole numbers have no scale; let the model give floats"
        + (' or write scores = "probabilities"' if ranked and not said else "")
    )
