"""Metrics made from a table of numbers of each case, so that a costly comparison is made once.

Write a function `of(outputs, labels) -> (cases, columns)` in float64, NaN where a number is
undefined for a case, and pass the same function to every metric that reads from it:

    DICE = mean_metric("dice", overlap_by_case, column=0, parts=column_means(first=1))
    R2 = summed_metric("r2", squares_by_case, lambda sums: 1 - sums[:, 0] / sums[:, 1])
    WORST = worst(DICE)                         # "dice_worst5"
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import ANY, CaseTable, Metric, Reads

Floats = NDArray[np.float64]
Of = Callable[[Array, Array], Floats]
Parts = Callable[[Floats, tuple[str, ...]], dict[str, float]]
Chance = Callable[[Array], float]


def table_metric(
    name: str,
    table: CaseTable,
    *,
    unit: str = "",
    higher_is_better: bool = True,
    parts: Callable[[Array, Array, tuple[str, ...]], dict[str, float]] | None = None,
    reads: Reads = Reads.FIRST,
    chance: Chance | None = None,
    within: tuple[float, float] = ANY,
) -> Metric:
    """Return the metric of a case table; `parts` where they need outputs and labels themselves."""

    def of_table(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
        return table.parts(table.of(outputs, labels), names) if table.parts else {}

    by_case = table.by_case
    return Metric(
        name,
        unit,
        higher_is_better,
        lambda outputs, labels, weights: table.weighted(table.of(outputs, labels), weights),
        parts or of_table,
        None if by_case is None else lambda outputs, labels: by_case(table.of(outputs, labels)),
        table,
        reads,
        chance,
        within,
    )


def mean_metric(
    name: str,
    of: Of,
    column: int = 0,
    *,
    unit: str = "",
    higher_is_better: bool = True,
    parts: Parts | None = None,
    reads: Reads = Reads.FIRST,
    chance: Chance | None = None,
    within: tuple[float, float] = ANY,
) -> Metric:
    """Return the metric that is the mean of a column of `of`; cases that have NaN do not count."""
    table = CaseTable(
        of,
        lambda table, weights: weighted_mean(table[:, column], weights),
        parts,
        lambda table: mean_by_case(table[:, column]),
        column,
    )
    return table_metric(
        name, table, unit=unit, higher_is_better=higher_is_better, reads=reads, chance=chance,
        within=within,
    )  # fmt: skip


def summed_metric(
    name: str,
    of: Of,
    combine: Callable[[Floats], Floats],
    *,
    unit: str = "",
    higher_is_better: bool = True,
    parts: Parts | None = None,
    reads: Reads = Reads.FIRST,
    chance: Chance | None = None,
    within: tuple[float, float] = ANY,
) -> Metric:
    """Return the metric that is a function of the sums of the columns over the cases.

    `combine` takes sums of shape (resamples, columns), in which NaN counted as 0, and returns
    (resamples,); divisions by 0 in it give NaN without a warning.
    """

    def weighted(table: Floats, weights: Array) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = combine(np.asarray(weights, dtype=np.float64) @ np.nan_to_num(table, nan=0.0))
        return np.where(np.isfinite(found), found, np.nan)

    table = CaseTable(of, weighted, parts)
    return table_metric(
        name, table, unit=unit, higher_is_better=higher_is_better, reads=reads, chance=chance,
        within=within,
    )  # fmt: skip


def worst(metric: Metric, share: float = 0.05) -> Metric:
    """Return the mean of the worst `share` of the per-case values of a mean metric.

    Named "<name>_worst5" for 5 %. The worst cases are those that make up `share` of the total
    weight, the last of them in part. ValueError: the metric is no mean of per-case values (see
    `mean_metric`), or `share` is no whole per cent from 1 to 99.
    """
    percent = round(100 * share)
    if not 1 <= percent <= 99 or abs(100 * share - percent) > 1e-9:
        raise ValueError(f"the worst share of {metric.name} must be 1 to 99 %, not {share!r}")
    table = metric.table
    if table is None or table.column is None:
        raise ValueError(
            f"{metric.name} is no mean over cases, so it has no worst ones; write {metric.name}, or"
            " a mean such as accuracy or mask_dice"
        )
    column, sign = table.column, 1 if metric.higher_is_better else -1

    def weighted(table: Floats, weights: Array) -> Floats:
        return sign * _tail_mean(sign * table[:, column], weights, share)

    def by_case(table: Floats) -> Floats:
        return sign * _tail_by_case(sign * table[:, column], share)

    made = CaseTable(table.of, weighted, None, by_case)
    name = f"{metric.name}_worst{percent}"
    return table_metric(
        name, made, unit=metric.unit, higher_is_better=metric.higher_is_better, reads=metric.reads,
        within=metric.within,
    )  # fmt: skip


def column_means(first: int = 0) -> Parts:
    """Return parts that give each label's name the mean of a column, from column `first` on.

    Columns without a name are left out, and so are those that no case defines.
    """

    def parts(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
        means = {
            name: table[:, first + index]
            for index, name in enumerate(names)
            if first + index < table.shape[1]
        }
        return {
            name: float(np.nanmean(values))
            for name, values in means.items()
            if not np.isnan(values).all()
        }

    return parts


def weighted_mean(values: Floats, weights: Array) -> Floats:
    """Return the mean of `values`, (cases,), under `weights`; NaN values do not count."""
    weights = np.asarray(weights, dtype=np.float64)
    counted = ~np.isnan(values)
    if counted.all():
        return ratio(weights @ values, weights.sum(axis=1))
    return ratio(weights[:, counted] @ values[counted], weights[:, counted].sum(axis=1))


def mean_by_case(values: Floats) -> Floats:
    """Return what each case adds to the mean of `values`, NaN left out: see `Metric.by_case`."""
    counted = ~np.isnan(values)
    if counted.all() or not counted.any():
        return values
    mean = values[counted].mean()
    scale = len(values) / counted.sum()
    return np.asarray(np.where(counted, mean + scale * (values - mean), mean), dtype=np.float64)


def ratio(top: Array, bottom: Array) -> Floats:
    """Return top / bottom, NaN where there is nothing to divide by."""
    undefined = np.full(len(top), np.nan)
    return np.asarray(np.divide(top, bottom, out=undefined, where=bottom > 0), dtype=np.float64)


def _tail_mean(values: Floats, weights: Array, share: float) -> Floats:
    """Return the mean of the lowest `share` of the weight of `values`; NaN does not count."""
    counted = np.flatnonzero(~np.isnan(values))
    order = counted[np.argsort(values[counted], kind="stable")]
    ordered = np.asarray(weights, dtype=np.float64)[:, order]
    wanted = share * ordered.sum(axis=1, keepdims=True)
    before = np.cumsum(ordered, axis=1) - ordered
    taken = np.clip(wanted - before, 0.0, ordered)
    return ratio(taken @ values[order], taken.sum(axis=1))


def _tail_by_case(values: Floats, share: float) -> Floats:
    """Return what each case adds to the mean of the lowest `share`: see `Metric.by_case`.

    With the quantile q that bounds them, the mean is that of q - max(0, q - value) / share
    (R. T. Rockafellar and S. Uryasev, J. Risk 2, 2000), and what a case's weight moves q by
    changes nothing of it.
    """
    counted = ~np.isnan(values)
    if not counted.any():
        return values
    ordered = np.sort(values[counted])
    reached = np.arange(1, ordered.size + 1) >= share * ordered.size * (1 - 1e-12)
    bound = ordered[np.argmax(reached)]
    return mean_by_case(np.where(counted, bound - np.maximum(bound - values, 0) / share, np.nan))
