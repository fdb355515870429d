"""What outputs are worth: a metric with its interval, and the loss against the baseline.

All limits are those of `stats.bootstrap`, guarded by `stats.rare_losses`: groups of cases
(patients) are drawn whole, both models on the same cases.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import AnswerKey, Metric, Reads
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.quality.answered import alike
from benchhub.results.rows.quality.limits import Resampling
from benchhub.stats.bootstrap import Limits, group_members
from benchhub.tasks.contract.reason import UNFIT
from benchhub.tasks.contract.scale import on_another_scale
from benchhub.tasks.contract.seen import read_output

#: Of an interval's width: what it may be moved by and still be taken for what it is of.
_HARDLY = 0.01


@dataclass(frozen=True, slots=True)
class Quality:
    """A metric's value and its loss against the baseline, both with two-sided 95 % limits.

    `loss` is in the metric's unit and positive when worse, `share` the same as a share of the
    baseline's size; None where that is 0. Their `upper` is the one-sided 95 % limit that a budget
    is held against, and their `low` what a FAIL takes. Limits are infinite where they are unknown.
    `chance` is what a model reaches that answers all cases alike; None: not known.
    """

    value: float
    low: float
    high: float
    baseline: float
    loss: Limits
    share: Limits | None
    method: str
    cases: int
    groups: int
    parts: Mapping[str, float]
    chance: float | None = None


def assess(
    outputs: Sequence[Array],
    answer_key: AnswerKey,
    metric: Metric,
    baseline_outputs: Sequence[Array],
    resamples: int = 2000,
    seed: int = 0,
    tables: Tables | None = None,
    same: bool | None = None,
    near: Quality | None = None,
) -> Quality:
    """Return the quality of `outputs` over the leading cases that both models answered.

    The output counts that the answer key's reading of the metric names, the first one if it has
    none, cases on axis 0: see `answers`. The same seed draws the same resamples for every variant.
    `tables` keeps what a metric with a case table has compared. `same` says whether both are one
    function's answers, rounded; None: as far as `outputs` tell. `near` is what the same two
    answered in other batches, at most rounded otherwise: its limits are taken, moved, where they
    would move by no more than a hundredth of their width. ValueError: no cases, outputs that are
    not finite or of another shape than the baseline's, or a metric that does not fit them or that
    these cases leave undefined.
    """
    reading = answer_key.readings.get(metric.name)
    mine, other = (read_output(model, reading) for model in (outputs, baseline_outputs))
    cases = min(len(mine), len(other), len(answer_key.labels))
    if cases == 0:
        raise ValueError("no cases")
    mine, other = _leading(mine, cases), _leading(other, cases)
    for array, whose in ((mine, "outputs"), (other, "the baseline's outputs")):
        # Of what a metric of the user's own made of a case NaN says that it does not count.
        finite = array.dtype.kind not in "fc" or np.isfinite(array).all()
        if metric.reads is not Reads.OWN and not finite:
            raise ValueError(f"{whose} are not finite")
    if mine.shape != other.shape:
        raise ValueError("outputs are of another shape than the baseline's")
    if scale := on_another_scale(mine, other, metric, reading):
        raise ValueError(f"{scale}; put softmax or sigmoid into both models, or into neither")
    labels = _leading(answer_key.labels, cases)
    ones = np.ones((1, cases))
    tables = tables or Tables()
    read, base_read = (
        tables.seen(array, labels, answer_key.label_names, metric, reading)
        for array in (mine, other)
    )
    judged = Resampling(
        metric, read.labels, *group_members(answer_key.groups[:cases], cases), tables
    )
    pair = read.outputs, base_read.outputs
    try:
        value, base = (float(judged.weighted(judged.seen(a), ones)[0]) for a in pair)
        parts = judged.parts(pair[0], read.names)
    except UNFIT as error:
        raise ValueError(
            f"{metric.name} does not fit outputs of shape {mine.shape} and labels of shape"
            f" {labels.shape}"
        ) from error
    counted = judged.counted(*pair)
    if not (math.isfinite(value) and math.isfinite(base)):
        raise ValueError(f"{metric.name} is undefined on these {cases} cases")
    if near is not None and (known := _moved(near, value, base, metric)):
        return dataclasses.replace(known, parts=parts, cases=len(counted))
    same = alike(mine, other, metric) if same is None else same
    of_value, loss, share, method = judged.limits(pair, base, same, resamples, seed)
    low, high = of_value.low, of_value.high
    if metric.higher_is_better:
        low, high = -high, -low
    low, high = _within(metric, low, high)
    chance = None if metric.chance is None else metric.chance(read.labels)
    groups = len(np.unique(judged.members[counted]))
    return Quality(
        value, low, high, base, loss, share, method, len(counted), groups, parts, chance
    )  # fmt: skip


def _within(metric: Metric, low: float, high: float) -> tuple[float, float]:
    """Return limits that the metric can have, unknown ones as they are; no truth is lost."""
    least, most = metric.within
    return (
        max(low, least) if math.isfinite(low) else low,
        min(high, most) if math.isfinite(high) else high,
    )


def _moved(near: Quality, value: float, base: float, metric: Metric) -> Quality | None:
    """Return `near` as of other point estimates, None where these lie too far from its own."""
    by = value - near.value
    lost = (base - near.baseline - by) * (1 if metric.higher_is_better else -1)
    for moved, low, high in ((by, near.low, near.high), (lost, near.loss.low, near.loss.high)):
        if moved and not abs(moved) <= _HARDLY * (high - low) < math.inf:
            return None
    low, high = _within(metric, near.low + by, near.high + by)
    return dataclasses.replace(
        near,
        value=value,
        low=low,
        high=high,
        baseline=base,
        loss=near.loss.moved(lost),
        share=near.share.moved(lost / abs(base)) if near.share and base else near.share,
    )


def _leading(array: Array, cases: int) -> Array:
    """Return the leading cases, the array itself where these are all: tables know it by that."""
    whole = np.asarray(array)
    return whole if len(whole) == cases else whole[:cases]
