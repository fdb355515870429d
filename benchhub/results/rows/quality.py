"""What outputs are worth: a metric with its interval, and the loss against the baseline.

Where the task predicts, metrics see its predictions.

All limits are those of `stats.bootstrap`, guarded by `stats.rare_losses`: groups of cases
(patients) are drawn whole, both models on the same cases.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric, Reads
from benchhub.results.rows.agreement import spread
from benchhub.results.rows.case_tables import Tables
from benchhub.stats.bootstrap import Floats, Limits, bootstrap_t, group_members, weighed
from benchhub.stats.rare_losses import guarded
from benchhub.tasks.contract.scale import on_another_scale
from benchhub.tasks.contract.seen import read_output

#: Answers nowhere further apart than this share of their spread are one function's, rounded.
_ROUNDED = 1e-4
#: So many answers at random show what a case may add where that hangs on its label.
_SHUFFLES = 16
#: So many cases, shuffled, are left out one by one of a metric that does not tell what each adds.
_LEFT_OUT = 1024
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
    judged = _Judged(metric, read.labels, *group_members(answer_key.groups[:cases], cases), tables)
    pair = read.outputs, base_read.outputs
    try:
        value, base = (float(judged.weighted(judged.seen(a), ones)[0]) for a in pair)
        parts = judged.parts(pair[0], read.names)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{metric.name} does not fit outputs of shape {mine.shape} and labels of shape"
            f" {labels.shape}"
        ) from error
    counted = judged.counted(*pair)
    if not (math.isfinite(value) and math.isfinite(base)):
        raise ValueError(f"{metric.name} is undefined on these {cases} cases")
    if near is not None and (known := _moved(near, value, base, metric.higher_is_better)):
        return dataclasses.replace(known, parts=parts, cases=len(counted))
    same = rounded(mine, other) if same is None else same
    of_value, loss, share, method = judged.limits(pair, base, same, resamples, seed)
    low, high = of_value.low, of_value.high
    if metric.higher_is_better:
        low, high = -high, -low
    chance = None if metric.chance is None else metric.chance(read.labels)
    groups = len(np.unique(judged.members[counted]))
    return Quality(
        value, low, high, base, loss, share, method, len(counted), groups, parts, chance
    )  # fmt: skip


def _moved(near: Quality, value: float, base: float, higher_is_better: bool) -> Quality | None:
    """Return `near` as of other point estimates, None where these lie too far from its own."""
    by = value - near.value
    lost = (base - near.baseline - by) * (1 if higher_is_better else -1)
    for moved, low, high in ((by, near.low, near.high), (lost, near.loss.low, near.loss.high)):
        if moved and not abs(moved) <= _HARDLY * (high - low) < math.inf:
            return None
    return dataclasses.replace(
        near,
        value=value,
        low=near.low + by,
        high=near.high + by,
        baseline=base,
        loss=near.loss.moved(lost),
        share=near.share.moved(lost / abs(base)) if near.share and base else near.share,
    )


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """What models are judged by: a metric, the cases' labels, and the group of each case.

    What the metric sees of a model is its outputs, or the case table made of them.
    """

    metric: Metric
    labels: Array
    members: NDArray[np.int64]
    count: int
    tables: Tables

    def seen(self, outputs: Array, order: Array | None = None) -> Array:
        """Return what the metric sees of `outputs`, in another `order` if one is given."""
        if self.metric.table is not None:
            return self.tables.of(self.metric.table.of, outputs, self.labels, order)
        return outputs if order is None else outputs[order]

    def weighted(self, seen: Array, weights: Array) -> Floats:
        """Return the metric under each of `weights`."""
        if self.metric.table is not None:
            return self.metric.table.weighted(seen, weights)
        return self.metric.weighted(seen, self.labels, weights)

    def counted(self, outputs: Array, baseline: Array) -> NDArray[np.int64]:
        """Return the cases that count; ValueError: they are others for the model and the baseline.

        A model may not choose what it is judged by, and a difference is of the same cases.
        """
        table = self.metric.table
        if table is None or (table.column is None and self.metric.reads is not Reads.OWN):
            return np.arange(len(outputs))  # NaN in its columns says nothing of whole cases
        columns = slice(None) if table.column is None else slice(table.column, table.column + 1)
        mine, other = (
            ~np.isnan(self.seen(array)[:, columns]).any(axis=1) for array in (outputs, baseline)
        )
        for lost, of, whose in (
            (other & ~mine, "", "the baseline"),
            (mine & ~other, " of the baseline", "this variant"),
        ):
            if lost.any():
                raise ValueError(
                    f"{self.metric.name}{of} is NaN in {int(lost.sum())} cases that count for"
                    f" {whose}; labels alone are to decide which cases count: return the worst"
                    " value there"
                )
        return np.flatnonzero(mine)

    def parts(self, outputs: Array, names: tuple[str, ...]) -> dict[str, float]:
        """Return the metric by label."""
        if self.metric.table is not None and self.metric.table.parts is not None:
            return self.metric.table.parts(self.seen(outputs), names)
        return self.metric.parts(outputs, self.labels, names)

    def limits(
        self, pair: tuple[Array, Array], base: float, same: bool, resamples: int, seed: int
    ) -> tuple[Limits, Limits, Limits | None, str]:
        """Return limits of the value (as a loss), of the loss and its share, and their method.

        `pair` is the model's answers and the baseline's; `same`: one function's, rounded.
        """
        sign = 1 if self.metric.higher_is_better else -1
        seen = [self.seen(array) for array in pair]
        own, sizes = self._weighed(seen[0])
        theirs, _ = self._weighed(seen[1])
        lost = sign * (theirs - own)
        rng = np.random.default_rng(seed)
        shuffled = self.seen(pair[1], rng.permutation(len(pair[1])))
        worst = self._worst(pair[1], seen[1], shuffled, np.random.default_rng([seed, 1]))
        unseen = 0.0 if same else worst

        def statistics(weights: Floats) -> Floats:
            drawn = weights[:, self.members]
            against = self.tables.resampled(
                self.metric.name, seen[1], drawn, lambda: self.weighted(seen[1], drawn)
            )
            value = against if seen[0] is seen[1] else self.weighted(seen[0], drawn)
            loss = sign * (against - value)
            return np.stack([-sign * value, loss, loss / np.abs(against)], axis=1)[:, :kinds]

        kinds = 3 if base else 2
        found = bootstrap_t(
            np.stack([-sign * own, lost, lost][:kinds]),
            np.stack([sizes, sizes, math.copysign(1, base) * theirs][:kinds]),
            resamples,
            rng,
            statistics,
        )
        of_value, _ = guarded(found[0], -sign * own, sizes, worst)
        loss, method = guarded(found[1], lost, sizes, unseen)
        share = guarded(found[2], lost, sizes, unseen, abs(base))[0] if base else None
        return of_value, loss, share, method

    def _weighed(self, seen: Array) -> tuple[Floats, Floats]:
        """Return what each group adds to the metric of what is seen, and its number of cases."""
        values = self._by_case(seen)
        if values is None:
            return weighed(lambda weights: self.weighted(seen, weights), self.members, self.count)
        sums = np.bincount(self.members, values, minlength=self.count).astype(np.float64)
        return sums, np.bincount(self.members, minlength=self.count).astype(np.float64)

    def _by_case(self, seen: Array) -> Floats | None:
        if self.metric.table is not None:
            by_case = self.metric.table.by_case
            return None if by_case is None else by_case(seen)
        return None if self.metric.by_case is None else self.metric.by_case(seen, self.labels)

    def _worst(
        self, answers: Array, seen: Array, shuffled: Array, rng: np.random.Generator
    ) -> float:
        """Return how far apart a group of the best and of the worst answers lie, in points.

        Cases may all be lost that belong together, so a group is off by what its cases are off,
        added up. Seen of a model that answers at random; infinite where that does not tell.
        """
        sums, sizes = self._weighed(shuffled)
        off = sums - sums.sum() / sizes.sum() * sizes
        apart = float(off.max() - off.min())
        if not apart > 0:
            return math.inf
        if self.count < len(answers):
            apart = max(apart, self._of_whole_groups(answers, seen, shuffled, rng))
        return float(apart * (self.count / sizes.sum()))

    def _of_whole_groups(
        self, answers: Array, seen: Array, shuffled: Array, rng: np.random.Generator
    ) -> float:
        """Return what a group is off by whose cases are all the best, or all the worst."""
        most = float(np.bincount(self.members).max())
        values = self._by_case(shuffled)
        if values is None:
            return float(np.ptp(self._without_each(shuffled, rng))) * most
        if self.metric.table is not None and self.metric.table.column is not None:
            known = self._by_case(seen)
            both = values if known is None else np.concatenate([values, known])
            return float(np.ptp(both)) * most
        drawn = [values]  # what a case adds hangs on its label: each has its own best and worst
        for _ in range(_SHUFFLES - 1):
            again = self._by_case(self.seen(answers, rng.permutation(len(answers))))
            drawn += [] if again is None else [again]
        of_cases = np.ptp(np.stack(drawn), axis=0)
        return float(np.bincount(self.members, of_cases, minlength=self.count).max())

    def _without_each(self, shuffled: Array, rng: np.random.Generator) -> Floats:
        """Return what each case adds, found by leaving it out; of many cases, of some."""
        rows = rng.permutation(len(shuffled))[:_LEFT_OUT]
        alone = dataclasses.replace(
            self, labels=self.labels[rows], members=np.arange(rows.size), count=rows.size
        )
        return alone._weighed(shuffled[rows])[0]


def rounded(mine: Array, other: Array, size: float | None = None) -> bool:
    """Return whether two models' answers to the same cases are one function's, rounded otherwise.

    `size` is the spread of the other's answers over all cases; None: those given are all.
    """
    if mine.shape != other.shape:
        return False
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
    cases = min(len(array) for array in (*one, *other))
    return all(
        rounded(mine[:cases], theirs[:cases], sizes[index] if sizes else None)
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True))
    )


def _leading(array: Array, cases: int) -> Array:
    """Return the leading cases, the array itself where these are all: tables know it by that."""
    whole = np.asarray(array)
    return whole if len(whole) == cases else whole[:cases]
