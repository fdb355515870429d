"""Whether a cell has shown early on that its budgets of time are broken; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchhub.model.arrays import Array
from benchhub.model.asked import Budget
from benchhub.model.cell import Cell
from benchhub.model.quantities import PERCENTILES
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.judge import selects
from benchhub.stats.looks import clearly_above
from benchhub.stats.rare_launches import launches_needed

_NS_PER_MS = 1e6

#: Quantiles of a cell that budgets limit, each with its limit in ns.
TimeLimits = Sequence[tuple[float, float]]


def is_clear(cell: Cell, samples_ns: Sequence[Array], limits: TimeLimits) -> bool:
    """Return whether the launches after which a cell may end show all its limits clearly broken.

    `samples_ns` are those of its finished launches so far, in their order.
    """
    first = samples_ns[: cell.ends_after]
    if not cell.ends_after or len(first) < cell.ends_after or not all(one.size for one in first):
        return False
    return clearly_above(first, limits, with_warmup=cell.scenario is Scenario.LATENCY)


def time_limits(cell: Cell, budgets: Sequence[Budget]) -> TimeLimits:
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


def asks_each_launch(budgets: Sequence[Budget]) -> bool:
    """Return whether one of `budgets` is held against launches one by one."""
    return any(budget.rare_launches is not None for budget in budgets)


def launches_for_rare(cell: Cell, budgets: Sequence[Budget]) -> int:
    """Return how many launches of `cell` budgets want for what is rare among them; 0: none does."""
    return max(
        (
            launches_needed(budget.rare_launches)
            for budget in budgets
            if budget.rare_launches is not None and selects(budget, cell)
            if _of_scenario(cell, budget)
        ),
        default=0,
    )
