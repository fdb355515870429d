"""Detections in the order in which others have them, so that they are compared one by one; pure.

Suppression sorts boxes by their scores, so that rounding puts them into other rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import Reading
from benchhub.results.rows.agreement import spread
from benchhub.results.rows.quality.outputs_read import parts
from benchhub.stats.bootstrap import Floats

#: Rows that lie no further apart than this share of the spread are where they were.
_IN_PLACE = 1e-3
#: So many rows of a case are put into order at most: the time goes with their cube.
_MOST = 1000


def in_order(
    outputs: Sequence[Array], reference: Sequence[Array], reading: Reading | None
) -> tuple[Array, ...]:
    """Return `outputs` with each case's boxes in the rows of those of `reference` next to them.

    Both are of the same cases. Without boxes, or with others than the reference has, they are
    returned as they are.
    """
    if reading is None or len(outputs) != len(reference) or reading.boxes is None:
        return tuple(outputs)
    of_rows = sorted(parts(reading) - {reading.boxes.count})
    if of_rows[-1] >= len(outputs):
        return tuple(outputs)
    mine, theirs = (_rows(one, of_rows) for one in (outputs, reference))
    if mine is None or theirs is None or mine.shape != theirs.shape:
        return tuple(outputs)
    from scipy.optimize import linear_sum_assignment  # take long to import, and few are detectors
    from scipy.spatial.distance import cdist

    sizes = _sizes(reference, of_rows)
    ordered = {at: np.array(outputs[at]) for at in of_rows}
    for case, (found, wanted) in enumerate(zip(mine / sizes, theirs / sizes, strict=True)):
        away = np.flatnonzero(np.abs(found - wanted).max(axis=1, initial=0.0) > _IN_PLACE)
        if not 1 < len(away) <= _MOST:
            continue
        row, place = linear_sum_assignment(cdist(found[away], wanted[away]))
        for at in of_rows:
            ordered[at][case, away[place]] = outputs[at][case, away[row]]
    return tuple(ordered.get(at, one) for at, one in enumerate(outputs))


def _rows(outputs: Sequence[Array], of_rows: Sequence[int]) -> Floats | None:
    """Return all that is told of each box, (cases, rows, numbers); None: it is not row by row."""
    given = [np.asarray(outputs[at], dtype=np.float64) for at in of_rows]
    if any(one.ndim < 2 or one.shape[:2] != given[0].shape[:2] for one in given):
        return None
    whole = np.concatenate([one.reshape(*one.shape[:2], -1) for one in given], axis=2)
    return np.asarray(np.nan_to_num(whole))


def _sizes(reference: Sequence[Array], of_rows: Sequence[int]) -> Floats:
    """Return of each number of a box what its output spreads by, so that none outweighs others."""
    found = []
    for at in of_rows:
        size = spread(reference[at])
        width = int(np.prod(reference[at].shape[2:], dtype=np.int64))
        found += [size if size > 0 else 1.0] * width
    return np.array(found)
