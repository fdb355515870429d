"""On which scale scores are, probabilities or logits: where it matters, and who has another one."""

from __future__ import annotations

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import OF_CLASSES, Metric, Reading, Reads
from benchhub.tasks.contract.looks import adds_up, from_0_to_1

#: Why scores that were said to be logits are refused.
SHARES = (
    'scores = "logits" was written, and they all lie in 0..1 as probabilities do; write'
    ' scores = "probabilities"'
)
#: Why scores may be of a third scale, of which a half is neither of the others'.
LOGS = (
    "none is above 0, and the largest is next to it, as logarithms of probabilities are: give"
    ' probabilities or logits, or write scores = "logits" under [data] if that is what they are'
)
#: A logarithm so far below 0 is of a probability of .95; a logit there is of one of .49.
_NEAR_0 = 0.05
#: So far probabilities lie outside 0 and 1 by rounding, of which 8-bit scores have the most.
_ROUNDED = 0.02
#: Above this sums of probabilities are not rounded ones.
_SUM = 1.1
#: So far outside 0 and 1 logits lie that a model cannot be meant to have between them.
_FAR = 0.5


def depends_on_scale(metric: Metric, columns: int, kind: str) -> str:
    """Return what cannot be told without knowing whether scores are probabilities or logits."""
    if metric.reads is Reads.ODDS:
        return f"{metric.name} is of probabilities"
    if metric.reads in OF_CLASSES and columns == 1:
        return "from which score on a case is of the second class is to be known"
    if metric.reads is Reads.COLUMNS and columns > 1 and kind != "multi-label":
        return "what one class scores is told by all columns"
    if metric.reads is Reads.TOKENS:
        return "a token's probability is told by all scores"
    if metric.reads is Reads.MASKS and columns == 1:
        return "from which score on a pixel is of the second class is to be known"
    return ""


def must_be_shares(rows: Array, apart: bool) -> bool:
    """Return whether scores (n, columns) can be taken for probabilities only.

    They lie from 0 to 1; `apart`: each column for itself, else rows add up to 1.
    """
    return from_0_to_1(rows) if apart or rows.shape[1] == 1 else adds_up(rows)


def look_like_logs(scores: Array) -> bool:
    """Return whether scores of one thing look like logarithms of probabilities, not like logits."""
    return bool(scores.max() <= 0) and bool(scores.max() > -_NEAR_0 and scores.min() < -_NEAR_0)


def on_another_scale(
    output: Array, baseline: Array, metric: Metric, reading: Reading | None
) -> str:
    """Return in what way scores are on another scale than the baseline's; empty: they are not.

    Both are whole outputs, as `read_output` gives them. Only where the metric depends on it.
    """
    if reading is None or reading.integers or baseline.dtype.kind != "f" or not output.size:
        return ""
    if not depends_on_scale(metric, reading.columns, reading.labels):
        return ""
    low, high = float(output.min()), float(output.max())
    went = f"scores go from {low:.3g} to {high:.3g}, and the baseline's"
    if reading.scores == "probabilities":
        if low < -_ROUNDED or high > 1 + _ROUNDED:
            return f"{went} are probabilities: they have another scale"
        total = float(_sums(output, metric).max()) if metric.reads is Reads.TOKENS else 1.0
        if total > _SUM:
            return f"scores of a token add up to {total:.3g}, and probabilities to 1"
    if reading.scores == "logits" and from_0_to_1(output):
        if _add_up(output, metric) and not _add_up(baseline, metric):
            return "scores add up to 1 as probabilities do, and the baseline's are logits"
        least, most = float(baseline.min()), float(baseline.max())
        if low < high and (least < -_FAR or most > 1 + _FAR):
            return f"{went} from {least:.3g} to {most:.3g}, as logits: they have another scale"
    return ""


def _rows(scores: Array, metric: Metric) -> Array:
    return scores.reshape(-1, scores.shape[-1] if metric.reads is Reads.TOKENS else _width(scores))


def _width(scores: Array) -> int:
    return int(np.prod(scores.shape[1:], dtype=np.int64))


def _sums(scores: Array, metric: Metric) -> Array:
    return np.asarray(_rows(scores, metric).sum(axis=1, dtype=np.float64))


def _add_up(scores: Array, metric: Metric) -> bool:
    rows = _rows(scores, metric)
    return metric.reads is not Reads.MASKS and rows.shape[1] > 1 and adds_up(rows)
