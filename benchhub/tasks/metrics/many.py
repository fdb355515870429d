"""Metrics of cases that are more than a row of scores: pixels, tokens, vectors, texts.

Forms are those of `benchhub.model.quality.Reads`. Images, texts and queries are resampled whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import NOT_NEGATIVE, SHARE, CaseTable, Metric, Reads
from benchhub.tasks.case_tables import mean_metric, summed_metric, table_metric

Floats = NDArray[np.float64]

#: The label of a pixel, and of a token, that does not count.
_PIXEL, _TOKEN = 255, -100
#: So many similarities are held at once.
_AT_ONCE = 4_000_000
#: Cosines no further apart are equal: float64 has them no closer, whatever the order of its sums.
_EQUAL = 1e-12


def pixels(found: Array, truth: Array) -> Floats:
    """Return of each case and class the pixels in both, in either, and in both sizes together.

    Shape (cases, 3 * classes); pixels of class 255 in truth do not count.
    """
    kept = truth != _PIXEL
    classes = int(max(truth[kept].max(initial=0), found.max(initial=0))) + 1
    rows = []
    for mine, true, of in zip(found, truth, kept, strict=True):
        inside = mine[of]
        both = np.bincount(true[of][inside == true[of]], minlength=classes)
        size = np.bincount(inside[inside >= 0], minlength=classes)
        size = size + np.bincount(true[of], minlength=classes)
        rows.append(np.concatenate([both, size - both, size]))
    return np.asarray(rows, dtype=np.float64)


def dices(found: Array, truth: Array) -> Floats:
    """Return each case's Dice, the mean over its classes but the first, then each class's.

    Shape (cases, 1 + classes). A class that neither has does not count. A case of the first class
    only, which true labels tell, has 1 where it is answered so; none of whose pixels count, NaN.
    """
    both, _, sizes = np.split(pixels(found, truth), 3, axis=1)
    dice = np.divide(2 * both, sizes, out=np.full(both.shape, np.nan), where=sizes > 0)
    dice[:, 0] = np.nan
    known = ~np.isnan(dice)
    count = known.sum(axis=1)
    # With nothing there, nothing found is right: dropped, it would be the answer that decides.
    nothing = np.where(sizes.any(axis=1), 2 * both[:, 0] == sizes[:, 0], np.nan)
    mean = np.divide(np.where(known, dice, 0).sum(axis=1), count, out=nothing, where=count > 0)
    return np.column_stack([mean, dice])


def _ious(table: Floats, weights: Array) -> Floats:
    sums = np.asarray(weights, dtype=np.float64) @ table
    both, either, _ = np.split(sums, 3, axis=1)
    undefined = np.full(both.shape, np.nan)
    return np.asarray(np.divide(both, either, out=undefined, where=either > 0), dtype=np.float64)


def _mean_iou(table: Floats, weights: Array) -> Floats:
    iou = _ious(table, weights)
    known = ~np.isnan(iou)
    undefined = np.full(len(iou), np.nan)
    total, count = np.where(known, iou, 0).sum(axis=1), known.sum(axis=1)
    return np.asarray(np.divide(total, count, out=undefined, where=count > 0), dtype=np.float64)


def _by_name(values: Floats, names: tuple[str, ...]) -> dict[str, float]:
    names = names or tuple(map(str, range(len(values))))
    return {n: float(v) for n, v in zip(names, values, strict=False) if not np.isnan(v)}


def _dice_by_class(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    known = ~np.isnan(table[:, 1:]).all(axis=0)
    means = np.full(table.shape[1] - 1, np.nan)
    means[known] = np.nanmean(table[:, 1:][:, known], axis=0)
    return _by_name(means, names)


def _best_map(truth: Array, of: Callable[[Array, Array], float]) -> float:
    """Return the most that a map of one class for all pixels of all cases has of a metric."""
    kept = np.unique(truth[truth != _PIXEL]).tolist()
    return float(np.nanmax([of(np.full_like(truth, k), truth) for k in kept]))


def _best_dice(truth: Array) -> float:
    return _best_map(truth, lambda found, true: float(np.nanmean(dices(found, true)[:, 0])))


def _best_iou(truth: Array) -> float:
    once = np.ones((1, len(truth)))
    return _best_map(truth, lambda found, true: float(_mean_iou(pixels(found, true), once)[0]))


def surprises(logs: Array, labels: Array) -> Floats:
    """Return each case's negative log likelihood in nats, and its tokens: (cases, 2)."""
    return np.stack([-logs.sum(axis=1), (labels != _TOKEN).sum(axis=1)], axis=1).astype(np.float64)


def _unigram(labels: Array) -> float:
    """Return the perplexity of the labels' own shares of each token."""
    shares = np.unique(labels[labels != _TOKEN], return_counts=True)[1].astype(np.float64)
    shares /= shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def recall_at(count: int) -> Metric:
    """Return the share of cases with a case of their label among the `count` nearest others.

    Nearest by cosine, a vector of zeros having 0 with each. A case is a query that all others are
    searched for; queries are resampled, what is searched stays. Of equally near others so many are
    drawn at random as there is room for, and a query counts as the chance that one of its label is
    among them. A case whose label no other has does not count.
    """

    def of(outputs: Array, labels: Array) -> Floats:
        vectors = np.asarray(outputs, dtype=np.float64)
        sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = np.divide(vectors, sizes, out=np.zeros_like(vectors), where=sizes > 0)
        if len(units) <= count:
            raise ValueError(f"among {len(units)} cases there are no {count} others")
        found = np.empty(len(units))
        rows = max(1, _AT_ONCE // len(units))
        for start in range(0, len(units), rows):
            near = units[start : start + rows] @ units.T
            own = np.arange(start, start + len(near))
            near[np.arange(len(near)), own] = -np.inf
            found[own] = _found(near, labels[own, None] == labels, count)
        alone = np.unique(labels, return_inverse=True, return_counts=True)
        found[alone[2][alone[1]] < 2] = np.nan
        return found[:, None]

    return mean_metric(
        f"recall_at_{count}", of, reads=Reads.VECTORS, chance=lambda labels: _found_by_chance(
            labels, count
        ), within=SHARE)  # fmt: skip


def _found(near: Floats, like: NDArray[np.bool_], count: int) -> Floats:
    """Return the chance that one of the `like` is among the `count` nearest: (queries,).

    Both are (queries, cases), the query's own cosine -inf.
    """
    last = np.partition(near, -count, axis=1)[:, -count, None]
    nearer, equal = near > last + _EQUAL, np.abs(near - last) <= _EQUAL
    missed = _missed(equal.sum(axis=1), (equal & like).sum(axis=1), count - nearer.sum(axis=1))
    return np.where((nearer & like).any(axis=1), 1.0, 1 - missed)


def _missed(others: Array, like: Array, drawn: Array) -> Floats:
    """Return the chance that none of `like` among `others` is drawn, without replacement."""
    missed = np.ones(len(others))
    for turn in range(int(drawn.max(initial=0))):
        left = np.maximum(others - like - turn, 0) / np.maximum(others - turn, 1)
        missed *= np.where(turn < drawn, left, 1.0)
    return missed


def _found_by_chance(labels: Array, count: int) -> float:
    """Return the mean chance that `count` others, drawn at random, hold one of a case's label."""
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    like, each = sizes[member] - 1, np.ones(len(labels), dtype=np.int64)
    missed = _missed((len(labels) - 1) * each, like, count * each)
    return float((1 - missed)[like > 0].mean())


def letters(found: Array, truth: Array) -> Floats:
    """Return each text's edits, letter by letter, and its length: (cases, 2)."""
    return _edits([list(one) for one in found.tolist()], [list(one) for one in truth.tolist()])


def words(found: Array, truth: Array) -> Floats:
    """Return each text's edits, word by word, and its number of words: (cases, 2)."""
    return _edits([one.split() for one in found.tolist()], [one.split() for one in truth.tolist()])


def _edits(found: list[list[str]], truth: list[list[str]]) -> Floats:
    pairs = zip(found, truth, strict=True)
    return np.array([[_distance(mine, true), len(true)] for mine, true in pairs], dtype=np.float64)


def _distance(one: list[str], other: list[str]) -> int:
    """Return how many insertions, deletions and substitutions lead from one to the other."""
    row = list(range(len(other) + 1))
    for index, mine in enumerate(one, 1):
        corner, row[0] = row[0], index
        for place, theirs in enumerate(other, 1):
            corner, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, corner + (mine != theirs)),
            )
    return row[-1]


def _share(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


MASK_DICE = mean_metric(
    "mask_dice", dices, parts=_dice_by_class, reads=Reads.MASKS, chance=_best_dice, within=SHARE
)
MASK_IOU = table_metric(
    "mask_iou",
    CaseTable(
        pixels,
        _mean_iou,
        lambda table, names: _by_name(_ious(table, np.ones((1, len(table))))[0], names),
    ),
    reads=Reads.MASKS,
    chance=_best_iou,
    within=SHARE,
)
PERPLEXITY = summed_metric(
    "perplexity",
    surprises,
    lambda sums: np.exp(sums[:, 0] / sums[:, 1]),
    higher_is_better=False,
    reads=Reads.TOKENS,
    chance=_unigram,
    within=(1.0, math.inf),
)
CHARACTER_ERROR_RATE = summed_metric(
    "character_error_rate",
    letters,
    _share,
    higher_is_better=False,
    reads=Reads.TEXT,
    chance=lambda labels: 1.0,
    within=NOT_NEGATIVE,
)
WORD_ERROR_RATE = summed_metric(
    "word_error_rate",
    words,
    _share,
    higher_is_better=False,
    reads=Reads.TEXT,
    chance=lambda labels: 1.0,
    within=NOT_NEGATIVE,
)
