"""What metrics judge of a launch and of the reference, and whether two answer alike; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric, Reads
from benchhub.results.rows.agreement import common_cases, spread

#: Answers nowhere further apart than this share of their spread are one function's, rounded.
_ROUNDED = 1e-4


def answers(launch: Launch, answer_key: AnswerKey) -> tuple[Array, ...]:
    """Return what metrics judge of a launch: predictions or whole outputs; empty: it has none.

    What metrics of the user's own made of each case comes behind them.
    """
    given = launch.outputs
    if answer_key.predict:
        given = () if launch.predictions is None else (launch.predictions,)
    return _with_own(given, launch.own_scores, answer_key)


def reference_answers(answer_key: AnswerKey) -> tuple[Array, ...]:
    """Return what metrics judge of the baseline on the controller."""
    given = answer_key.reference
    if answer_key.predict:
        given = () if answer_key.predictions is None else (answer_key.predictions,)
    return _with_own(given, answer_key.own_scores, answer_key)


def _with_own(
    given: tuple[Array, ...], own: Array | None, answer_key: AnswerKey
) -> tuple[Array, ...]:
    """Return outputs with `own` behind them; without, where a metric would take others for it."""
    if answer_key.own_scores is None or not given:
        return given
    count = 1 if answer_key.predict else len(answer_key.reference)
    return (*given, own) if own is not None and len(given) == count else given[:count]


def alike(mine: Array, other: Array, metric: Metric) -> bool:
    """Return whether what a metric reads of two models is one function's, rounded otherwise."""
    if metric.reads is not Reads.BOXES:
        return rounded(mine, other)
    # Each number of a box for itself: coordinates go to hundreds, and a score to 1.
    return all(rounded(*pair) for pair in zip(mine.T, other.T, strict=True))


def rounded(mine: Array, other: Array, size: float | None = None) -> bool:
    """Return whether two models' answers to the same cases are one function's, rounded otherwise.

    `size` is the spread of the other's answers over all cases; None: those given are all.
    """
    if mine.shape != other.shape:
        return False
    if not mine.size:  # an output that is left out, or holds no numbers
        return True
    if mine.dtype.kind == "U":
        return bool((mine == other).all())
    apart = np.abs(np.asarray(mine, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    return float(apart.max()) <= _ROUNDED * (spread(other) if size is None else size)


def all_rounded(one: Sequence[Array], other: Sequence[Array], sizes: Sequence[float] = ()) -> bool:
    """Return whether all outputs of two models are one function's on their leading cases, rounded.

    `sizes` are the spreads of the other's outputs over all cases; empty: those given are all.
    """
    if len(one) != len(other):
        return False
    cases = common_cases((*one, *other))
    return all(
        rounded(mine[:cases], theirs[:cases], sizes[index] if sizes else None)
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True))
    )
