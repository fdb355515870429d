"""Whether detections are the reference's, in whichever order they come; pure.

Suppression sorts boxes by their scores, so that rounding puts them into other rows: row by row a
detector at fewer bits is as far from its baseline as another image is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import Reading
from benchhub.results.rows.agreement import agreement
from benchhub.results.rows.quality.outputs_read import parts
from benchhub.stats.bootstrap import Floats
from benchhub.tasks.contract.boxes import detections
from benchhub.tasks.contract.looks import sigmoid

#: A box is found again at such an overlap; so many of an image are looked for, the best ones.
_OVERLAP, _LOOKED_FOR = 0.5, 100


def same_boxes(
    outputs: Sequence[Array],
    reference: Sequence[Array],
    reading: Reading,
    most: float,
    aside: Collection[int] = (),
) -> bool:
    """Return whether most detections of the reference, by score, are found again in `outputs`.

    `outputs` are of its leading cases. What else there is but detections lies apart by no more than
    `most` of its spread, but for the outputs at `aside`.
    """
    how = reading.boxes
    if how is None or len(outputs) != len(reference):
        return False
    rest = [at for at in range(len(reference)) if at not in parts(reading) and at not in aside]
    _, apart = agreement([outputs[at] for at in rest], [reference[at] for at in rest])
    if apart > most:
        return False
    return refound(outputs, reference, reading)


def refound(outputs: Sequence[Array], reference: Sequence[Array], reading: Reading) -> bool:
    """Return whether most detections of the reference, by score, are found again in `outputs`.

    `outputs` are of its leading cases; what else there is but detections does not count.
    """
    cases = len(outputs[reading.output])
    try:
        mine = detections(outputs, reading)
        theirs = detections([one[:cases] for one in reference], reading)
    except ValueError:
        return False
    kept = weighed = 0.0
    for found, wanted in zip(mine, theirs, strict=True):
        real = wanted[wanted[:, 5] >= 0]
        real = real[np.argsort(-real[:, 4], kind="stable")[:_LOOKED_FOR]]
        weights = sigmoid(real[:, 4]) if reading.scores == "logits" else real[:, 4]
        again = (_overlaps(real, found) >= _OVERLAP) & (real[:, 5, None] == found[:, 5])
        kept += float(weights[again.any(axis=1)].sum())
        weighed += float(weights.sum())
    return kept > weighed / 2


def _overlaps(one: Floats, other: Floats) -> Floats:
    """Return the intersection over union of boxes (n, 6) and (m, 6), as (n, m)."""
    low = np.maximum(one[:, None, :2], other[:, :2])
    sides = np.maximum(np.minimum(one[:, None, 2:4], other[:, 2:4]) - low, 0.0)
    both = sides[..., 0] * sides[..., 1]
    areas = [np.prod(np.maximum(of[:, 2:4] - of[:, :2], 0.0), axis=1) for of in (one, other)]
    either = areas[0][:, None] + areas[1] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))
