"""Quality metrics that can be resampled: a table of name -> Metric.

Each takes outputs and labels with the cases on axis 0 and weights (resamples, cases); see
`benchhub.model.quality.Metric`. To add one, write its functions (`benchhub.tasks.case_tables` has
the usual ones), and a row of `METRICS`, or one of `MODULES` where it is a task's own. Other
distributions add theirs through the entry point group `benchhub.metrics`. Stored runs find metrics
here by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.quality import CaseTable, Metric, Reads
from benchhub.outside import ExtensionPoint
from benchhub.tasks import lazy
from benchhub.tasks.case_tables import mean_by_case, ratio, weighted_mean, worst
from benchhub.tasks.metrics.chance import error_of_the_mean, half, largest_share

Floats = NDArray[np.float64]

#: A mean metric's name with this at its end is the mean of its worst cases, in per cent.
_WORST = re.compile(r"(.+)_worst([1-9][0-9]?)")


def weighted_auc(scores: Array, truth: Array, weights: Array) -> Floats:
    """Return the area under the ROC curve per resample, ties counted half: (resamples,).

    `scores` and `truth` are (cases,), `weights` (resamples, cases). NaN where a resample holds
    one class only; NaN everywhere if a score is NaN, which has no order.
    """
    return _auc(scores, truth, _by_case(weights))


def _auc(scores: Array, truth: Array, by_case: Floats) -> Floats:
    """Weigh pairs (positive, negative): won 1, tied 1/2 (Hanley and McNeil 1982).

    With the negatives sorted once, running sums give every positive the weight of the negatives
    below it, and of those up to it, in all resamples at once. `by_case` is (cases, resamples).
    """
    if np.isnan(scores).any():
        return np.full(by_case.shape[1], np.nan)
    positive = truth.astype(bool)
    mine, rows = scores[positive], np.flatnonzero(~positive)
    rows = rows[np.argsort(scores[rows], kind="stable")]
    running = np.zeros((len(rows) + 1, by_case.shape[1]))
    np.cumsum(by_case[rows], axis=0, out=running[1:])
    below = running[np.searchsorted(scores[rows], mine, side="left")]
    below += running[np.searchsorted(scores[rows], mine, side="right")]
    weight = by_case[positive]
    won = np.einsum("pr,pr->r", weight, below) / 2
    return ratio(won, weight.sum(axis=0) * running[-1])


def macro_auc(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the mean AUC over the labels that have both classes in a resample.

    `outputs` and `labels` are (cases, labels). A label of one class is left out of that
    resample's mean rather than counted as 0 or as NaN; `parts` tells which labels were there.
    """
    scores, truth = _columns(outputs), _columns(labels)
    by_case = _by_case(weights)
    per_label = np.stack([_auc(scores[:, k], truth[:, k], by_case) for k in range(truth.shape[1])])
    present = ~np.isnan(per_label)
    count = present.sum(axis=0)
    total = np.where(present, per_label, 0.0).sum(axis=0)
    return ratio(total, count)


def auc_by_case(outputs: Array, labels: Array) -> Floats:
    """Return what each case adds to the macro AUC, (cases,): its share of pairs won, by label.

    As the AUC would change without the case: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson,
    Biometrics 44 (1988). Labels of one class are left out.
    """
    scores, truth = _columns(outputs), _columns(labels).astype(bool)
    cases = len(truth)
    found = [_placements(scores[:, k], truth[:, k]) for k in range(truth.shape[1])]
    whole = [(area, change) for area, change in found if not np.isnan(area)]
    if not whole:
        return np.full(cases, np.nan)
    area = float(np.mean([area for area, _ in whole]))
    change: Floats = np.mean([change for _, change in whole], axis=0)
    return area + cases * change


def _placements(scores: Array, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return a label's AUC, and how each case moves it; ties count half."""
    mine, others = np.sort(scores[positive]), np.sort(scores[~positive])
    change = np.zeros(len(scores))
    if not mine.size or not others.size:
        return np.nan, change
    won = _below(others, scores[positive])
    lost = 1 - _below(mine, scores[~positive])
    area = float(won.mean())
    change[positive] = (won - area) / max(1, mine.size - 1)
    change[~positive] = (lost - area) / max(1, others.size - 1)
    return area, change


def _below(ordered: Array, scores: Array) -> Floats:
    """Return the share of `ordered` below each score, ties counted half."""
    ranks = np.searchsorted(ordered, scores, side="left")
    ranks = ranks + np.searchsorted(ordered, scores, side="right")
    return np.asarray(ranks / (2 * ordered.size), dtype=np.float64)


def auc_by_label(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return each label's AUC; NaN marks a label of one class."""
    scores, truth = _columns(outputs), _columns(labels)
    once = np.ones((1, len(truth)))
    names = names or tuple(str(k) for k in range(truth.shape[1]))
    return {
        name: float(weighted_auc(scores[:, k], truth[:, k], once)[0])
        for k, name in enumerate(names)
    }


def accuracy(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the share of cases whose largest output is their class; `labels` is (cases,)."""
    return weighted_mean(right_by_case(outputs, labels), weights)


def right_by_case(outputs: Array, labels: Array) -> Floats:
    """Return 1 for each case whose largest output is its class, else 0: (cases,)."""
    return np.asarray(_classes(outputs) == labels.reshape(-1), dtype=np.float64)


def accuracy_by_class(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return the accuracy within each true class (its recall); absent classes are left out."""
    right, truth = _classes(outputs) == labels.reshape(-1), labels.reshape(-1).astype(int)
    names = names or tuple(str(k) for k in range(outputs.shape[1]))
    return {
        name: float(right[truth == k].mean()) for k, name in enumerate(names) if (truth == k).any()
    }


def mean_absolute_error(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the mean over cases of a case's mean absolute difference from its label."""
    return weighted_mean(error_by_case(outputs, labels), weights)


def error_by_case(outputs: Array, labels: Array) -> Floats:
    """Return each case's mean absolute difference from its label: (cases,)."""
    return np.asarray(_absolute_error(outputs, labels).mean(axis=1), dtype=np.float64)


def error_by_column(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return the mean absolute error of each named output column; none without names."""
    return dict(zip(names, _absolute_error(outputs, labels).mean(axis=0).tolist(), strict=False))


def _by_case(weights: Array) -> Floats:
    """Return the weights as (cases, resamples), so that picking cases copies whole rows."""
    return np.ascontiguousarray(weights.T, dtype=np.float64)


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _classes(outputs: Array) -> Array:
    scores = _columns(outputs)
    # NaN compares as largest in argmax: a broken output must not score by luck
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))


def _absolute_error(outputs: Array, labels: Array) -> Floats:
    mine, truth = _columns(outputs).astype(np.float64), _columns(labels)
    if mine.shape != truth.shape:  # numpy would stretch one column over many
        raise ValueError(f"outputs of shape {outputs.shape} have no error against {labels.shape}")
    difference = mine - truth
    return np.asarray(np.abs(difference), dtype=np.float64)


def _mean_of(by_case: Callable[[Array, Array], Floats]) -> CaseTable:
    return CaseTable(
        lambda outputs, labels: by_case(outputs, labels)[:, None],
        lambda table, weights: weighted_mean(table[:, 0], weights),
        None,
        lambda table: mean_by_case(table[:, 0]),
        0,
    )


MACRO_AUC = Metric(
    "macro_auc", "", True, macro_auc, auc_by_label, auc_by_case, reads=Reads.COLUMNS, chance=half
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        MACRO_AUC,
        Metric(
            "accuracy",
            "",
            True,
            accuracy,
            accuracy_by_class,
            right_by_case,
            _mean_of(right_by_case),
            Reads.CLASSES,
            largest_share,
        ),
        Metric(
            "mean_absolute_error",
            "",
            False,
            mean_absolute_error,
            error_by_column,
            error_by_case,
            _mean_of(error_by_case),
            Reads.NUMBERS,
            error_of_the_mean,
        ),
    )
}

#: Metrics of tasks: name -> "module:attribute", imported where they are asked for.
MODULES: dict[str, str] = {
    "dice": "benchhub.tasks.cardiac.metric:DICE",
    "dice_worst5": "benchhub.tasks.cardiac.metric:DICE_WORST",
    "bpq": "benchhub.tasks.pathology.metric:BPQ",
    "macro_f1": "benchhub.tasks.tissue.metric:MACRO_F1",
    "mpq": "benchhub.tasks.pathology.metric:MPQ",
    "aji": "benchhub.tasks.nuclei.metric:AJI",
    "aji_plus": "benchhub.tasks.nuclei.metric:AJI_PLUS",
    "mse": "benchhub.tasks.nuclei.metric:MSE",
    "nuclei_dice": "benchhub.tasks.nuclei.metric:DICE",
    "pq": "benchhub.tasks.nuclei.metric:PQ",
    "r2": "benchhub.tasks.nuclei.metric:R2",
    "log_loss": "benchhub.tasks.chest_xray.metric:LOG_LOSS",
}

#: What each of both tables says; `_worst5` at a name's end: the mean of the worst 5 % of cases.
MEANINGS: Mapping[str, str] = {
    "macro_auc": "mean over labels of the area under the ROC curve, ties counted half",
    "accuracy": "share of the cases whose largest output is the label",
    "mean_absolute_error": "mean over cases of the absolute error, all outputs alike",
    "dice": "Dice of three structures, the mean over volumes, then over structures",
    "dice_worst5": "mean Dice of the volumes that make up the worst 5 %",
    "bpq": "panoptic quality of nuclei, types left aside, the mean over images",
    "mpq": "panoptic quality by type, the mean over types, images, then tissues",
    "macro_f1": "mean over classes of F1",
    "aji": "aggregated Jaccard index: a prediction may be taken by several nuclei",
    "aji_plus": "the same with one-to-one matches",
    "mse": "squared error of the distance map, over all pixels",
    "nuclei_dice": "Dice of nucleus against background",
    "pq": "panoptic quality, at an IoU above .5",
    "r2": "1 - SSE / SST of the distance map, over all pixels of all cases",
    "log_loss": "binary cross-entropy in nats, the mean over labels, then over cases",
}


def metric_names() -> tuple[str, ...]:
    """Return every metric that can be asked for, plugins included, without the worst cases'."""
    return tuple(sorted({*METRICS, *lazy.names(ExtensionPoint.METRICS, MODULES)}))


def get_metric(name: str, where: str = "") -> Metric:
    """Return a metric of the tables; ConfigError naming the nearest, and `where` it was asked.

    "<name>_worst<per cent>" is the mean of the worst cases of a metric that is a mean.
    """
    if name in METRICS:
        return METRICS[name]
    kind = f"{where}: metric" if where else "metric"
    known = metric_names()
    if name not in known and (parted := _WORST.fullmatch(name)) and parted[1] in known:
        try:
            return worst(get_metric(parted[1]), int(parted[2]) / 100)
        except ValueError as error:
            raise ConfigError(f"{kind} {name!r}: {error}") from error
    metric: Metric = lazy.found(kind, ExtensionPoint.METRICS, MODULES, name, METRICS)
    return metric
