"""Which cells go on past their planned launches: those that a budget of time leaves open; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from benchhub.model.arrays import Array
from benchhub.model.asked import Budget, Effort
from benchhub.model.cell import Cell, More
from benchhub.model.quantities import PERCENTILES
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.judge import selects
from benchhub.stats.looks import LOOKS, deciding, looks_at

_NS_PER_MS = 1e6
_NS_PER_S = 1e9


#: Quantiles of a cell that budgets limit, each with its limit in ns.
Limits = Sequence[tuple[float, float]]


def limited(
    cells: Sequence[Cell],
    budgets: Sequence[Budget],
    effort: Effort,
    emulated: Collection[str],
    fixed: Collection[Scenario] = (),
) -> Mapping[str, tuple[Cell, Limits]]:
    """Return the cells that may go on past their planned launches, by key, with what limits them.

    A cell may where a budget limits a percentile of it, its device is none of `emulated`, and its
    scenario none of `fixed`, those whose number of launches the suite says itself.
    """
    return {
        cell.key: (cell, found)
        for cell in cells
        if cell.scenario not in fixed
        and cell.launches == effort.launches < effort.most_launches
        and cell.device not in emulated
        and (found := _limits(cell, budgets))
    }


def goes_on(limits: Mapping[str, tuple[Cell, Limits]], effort: Effort) -> More:
    """Return what an `DeviceWork` asks before each round: which of the `limited` cells are open.

    A cell goes on to the next look until every limit is kept or broken, or the effort's launches
    or seconds are used up.
    """
    looks = [look for look in LOOKS if look <= effort.most_launches]
    seen: dict[tuple[str, int], bool] = {}

    def more(samples_ns: Mapping[str, Sequence[Array]]) -> set[str]:
        keys = set()
        for key, (cell, found) in limits.items():
            launches = samples_ns.get(key, ())
            reached = max((look for look in looks if look <= len(launches)), default=0)
            if len(launches) < cell.launches or reached == looks[-1]:
                continue
            if (key, reached) not in seen:
                seen[key, reached] = _open(cell, launches[:reached], found, effort)
            if seen[key, reached]:
                keys.add(key)
        return keys

    return more


def _limits(cell: Cell, budgets: Sequence[Budget]) -> list[tuple[float, float]]:
    """Return the quantiles of `cell` that budgets limit, each with its limit in ns."""
    return [
        (PERCENTILES[name], limit_ms * _NS_PER_MS)
        for budget in budgets
        if cell.runs_model and selects(budget, cell)
        for name, limit_ms in _of_scenario(cell, budget).items()
    ]


def _of_scenario(cell: Cell, budget: Budget) -> Mapping[str, float]:
    # One rate of a sweep that is to show the highest possible one need not be decided.
    if cell.scenario is Scenario.PACED and budget.paced_min_rate_per_s is not None:
        return {}
    return budget.percentiles(cell.scenario)


def _open(cell: Cell, launches: Sequence[Array], limits: Limits, effort: Effort) -> bool:
    if sum(int(launch.sum()) for launch in launches) > effort.max_cell_s * _NS_PER_S:
        return False
    timed = [launch for launch in launches if launch.size]
    warm = cell.scenario is Scenario.LATENCY
    found = looks_at(timed, [q for q, _ in limits], final=False, with_warmup=warm)
    return any(
        deciding(looks, limit) is None for looks, (_, limit) in zip(found, limits, strict=True)
    )
