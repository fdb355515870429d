"""Whether a session answers the first cases alike when it is asked again, or in another order."""

import math
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

#: So many cases are held against what was answered first.
FEW = 4
#: By batch, how many cases it adds and its outputs.
Answered = Iterator[Tuple[int, List[Any]]]


class Reasked:
    """What was answered to the first cases, to be held against what is answered next.

    `sizes` are how many cases each batch adds; those of `self.sizes` are to be asked again.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes: List[int] = []
        for size in sizes:
            if sum(self.sizes) < FEW:
                self.sizes.append(size)
        self._first: List[List[Any]] = []

    def keep(self, found: Sequence[Any], count: int) -> None:
        """Take the outputs of the next batch, of which the first `count` cases are new."""
        if len(self._first) < len(self.sizes):
            self._first.append([np.array(one[: min(count, FEW)]) for one in found])

    def told(
        self, again: Answered, turned: Callable[[Sequence[int]], Answered], batch: int
    ) -> Dict[str, Any]:
        """Return the root mean square difference of each output from the first answers.

        `again`: in a second call, `turned`: in another order of the first batch, each case held
        against its own answer; left out where a batch is of one. None: an output is finite in one
        of both only. `again_any_order`, where they are off: with the numbers of each column sorted,
        so that boxes may come in another order.
        """
        second = [[one[: min(count, FEW)] for one in found] for count, found in again]
        told: Dict[str, Any] = {"cases": sum(self.sizes), "again": _off(self._first, second)}
        told["cases"] = min(told["cases"], FEW)
        if any(told["again"]):
            told["again_any_order"] = _off(_sorted(self._first), _sorted(second))
        if batch > 1:
            order = turned_order(batch)
            for count, found in turned(order):
                back = [order.index(case) for case in range(min(count, FEW))]
                moved = [one[back] if len(one) else one for one in found]
                told["turned"] = _off(self._first[:1], [moved])
        return told


def turned_order(batch: int) -> List[int]:
    """Return a batch's cases in another order.

    No case keeps both of its neighbours, nor an order that is the old one backwards.
    """
    return [*range(batch - 1, -1, -2), *range(batch - 2, -1, -2)]


def _off(first: Sequence[Sequence[Any]], second: Sequence[Sequence[Any]]) -> List[Optional[float]]:
    """Return how far each output lies off, of batches of outputs."""
    return [_rms(mine, theirs) for mine, theirs in zip(zip(*first), zip(*second))]


def _sorted(batches: Sequence[Sequence[Any]]) -> List[List[Any]]:
    """Return outputs with the numbers of each case in order, along the first axis of a case."""
    return [[np.sort(one, axis=1) if one.ndim > 1 else one for one in found] for found in batches]


def _rms(first: Sequence[Any], second: Sequence[Any]) -> Optional[float]:
    total, count = 0.0, 0
    for one, other in zip(first, second):
        if one.shape != other.shape:
            return None
        for mine, theirs in zip(one, other):  # case by case: as float64 all would take much memory
            here = np.isfinite(mine)
            if not np.array_equal(here, np.isfinite(theirs)):
                return None
            gap = np.where(here, mine, 0).astype(np.float64) - np.where(here, theirs, 0)
            total += float(np.square(gap).sum())
            count += int(np.count_nonzero(here))
    return math.sqrt(total / count) if count else 0.0
