"""How far outputs lie from the baseline's, and what tells whether cases are still the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array

#: Answers that spread by less than this share of their size do so by float32's rounding.
_SAME = 1e-6
#: So many numbers tell a case's outputs from another's.
_SKETCHED = 16


def agreement(
    outputs: Sequence[Array], reference: Sequence[Array], spreads: Sequence[float] = ()
) -> tuple[float, float]:
    """Return the largest absolute difference, and the relative one of `model.Agreement`.

    `outputs` are the leading cases of `reference`, which is the whole of it unless `spreads` are
    given, those of its whole (see `spread`). The worst output tensor counts. Both are infinite
    where outputs are of another shape or number, or not finite where the reference is; elsewhere
    the reference says nothing, and nothing is compared.
    """
    if len(outputs) != len(reference):
        return math.inf, math.inf
    worst_abs = worst_relative = 0.0
    for index, (given, whole) in enumerate(zip(outputs, reference, strict=True)):
        got, full = np.asarray(given, dtype=np.float64), np.asarray(whole, dtype=np.float64)
        if got.ndim == 0 or len(got) > len(full) or got.shape[1:] != full.shape[1:]:
            return math.inf, math.inf
        told = np.isfinite(full)
        here = told[: len(got)]
        if not np.isfinite(got[here]).all():
            return math.inf, math.inf
        if not here.any():
            continue
        difference = got[here] - full[: len(got)][here]
        off, unit = _rms(difference), spreads[index] if spreads else _spread(full, told)
        worst_abs = max(worst_abs, float(np.abs(difference).max()))
        relative = off / unit if unit > 0 else (math.inf if off > 0 else 0.0)
        worst_relative = max(worst_relative, relative)
    return worst_abs, worst_relative


def common_cases(outputs: Iterable[Array]) -> int:
    """Return how many leading cases all outputs have, but for those that are left out."""
    return min((len(output) for output in outputs if len(output)), default=0)


def spread(reference: Array) -> float:
    """Return the spread of an output tensor over all its cases, about each element's mean.

    Where all cases have the same answer there is none, and the size of the answer stands in.
    """
    full = np.asarray(reference, dtype=np.float64)
    told = np.isfinite(full)
    return _spread(full, told) if told.any() else 0.0


def sketch(outputs: Sequence[Array]) -> Array:
    """Return a few numbers of each case, (cases, columns): means of parts of its outputs.

    They tell whether outputs are of the same inputs, as a whole copy would at a greater length.
    """
    columns = []
    for output in outputs:
        if not output.size:  # it does not run over cases, or holds no numbers
            continue
        flat = np.asarray(output).reshape(len(output), -1)
        pieces = np.array_split(flat, min(_SKETCHED, flat.shape[1]), axis=1)
        with np.errstate(invalid="ignore"):  # of infinities of both signs
            columns += [piece.mean(axis=1, dtype=np.float64) for piece in pieces]
    return np.stack(columns, axis=1)


def _spread(full: NDArray[np.float64], told: NDArray[np.bool_]) -> float:
    """Return the spread of the `told` elements about their means, or else their size."""
    known = np.where(told, full, 0.0)
    means = known.sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    spread, size = _rms((known - means)[told]), _rms(full[told])
    return spread if spread > _SAME * size else size


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
