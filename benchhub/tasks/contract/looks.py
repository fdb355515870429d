"""What labels and outputs look like: in words, and in the few questions that decide a reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array

#: Rows of probabilities add up to 1 but for rounding, of which 8-bit scores have the most.
_ADDS_UP = 0.02
#: A probability of 1 comes as 1.0000001 from sums of float32.
_ROUNDED = 1e-6


def flat(values: Array) -> Array | None:
    """Return values as (cases, n), axes of one element left out; None: a case has more axes."""
    sizes = [size for size in values.shape[1:] if size != 1]
    return values.reshape(len(values), sizes[0] if sizes else 1) if len(sizes) < 2 else None


def whole(values: Array) -> bool:
    """Return whether all are whole numbers, of whichever type."""
    return values.dtype.kind in "biu" or bool((values == np.round(values)).all())


def zero_one(values: Array) -> bool:
    """Return whether all are 0 or 1, of whichever type."""
    return values.dtype.kind == "b" or bool(((values == 0) | (values == 1)).all())


def one_each(rows: Array) -> bool:
    """Return whether each row has one 1 among zeros."""
    return zero_one(rows) and bool((rows.sum(axis=1) == 1).all())


def from_0_to_1(scores: Array) -> bool:
    """Return whether all lie from 0 to 1, but for how float32 rounds."""
    return bool(((scores >= -_ROUNDED) & (scores <= 1 + _ROUNDED)).all())


def adds_up(scores: Array) -> bool:
    """Return whether scores (cases, n) are probabilities of one thing in n: rows add up to 1."""
    sums = scores.sum(axis=1, dtype=np.float64)
    return from_0_to_1(scores) and bool((np.abs(sums - 1) <= _ADDS_UP).all())


def softmax(scores: Array) -> NDArray[np.float64]:
    """Return the probabilities of logits along the last axis."""
    whole = np.asarray(scores, dtype=np.float64)
    powers = np.exp(whole - whole.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)


def sigmoid(scores: Array) -> NDArray[np.float64]:
    """Return the probabilities of logits, each for itself."""
    return np.asarray((1 + np.tanh(np.asarray(scores, dtype=np.float64) / 2)) / 2)


def labels_in_words(labels: Array) -> str:
    """Return what labels look like, as `0 and 1 of shape (64, 2), one 1 a row`."""
    rows = flat(labels)
    if labels.dtype.kind not in "biuf" or not labels.size:
        said = str(labels.dtype)
    elif zero_one(labels):
        found = np.unique(labels).astype(int).tolist()
        said = "0 and 1" if len(found) == 2 else f"all {found[0]}"
    elif whole(labels):
        said = _range("whole numbers", labels)
    else:
        said = _range("numbers", labels)
    said = f"{said}, shape {shape(labels)}"
    alone = rows is not None and rows.shape[1] > 1 and zero_one(labels) and one_each(rows)
    return f"{said} with one 1 a row" if alone else said


def output_in_words(output: Array) -> str:
    """Return what an output looks like, as `float32 from 0 to .98, shape (64, 10)`."""
    if output.dtype.kind not in "biuf" or not output.size:
        return f"{output.dtype}, shape {shape(output)}"
    return f"{_range(str(output.dtype), output)}, shape {shape(output)}"


def shape(values: Array) -> str:
    """Return the shape as users write it."""
    return str(tuple(int(size) for size in values.shape))


def _range(what: str, values: Array) -> str:
    low, high = (float(end) for end in (values.min(), values.max()))
    return f"{what} all {low:.4g}" if low == high else f"{what} from {low:.4g} to {high:.4g}"
