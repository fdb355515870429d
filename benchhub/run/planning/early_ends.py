"""Which cells may end before their planned launches, and after how many; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchhub.model.asked import Budget, Suite
from benchhub.model.cell import Cell, Plan
from benchhub.model.device import DeviceProfile
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.early import time_limits
from benchhub.results.verdicts.judge import selects
from benchhub.stats.looks import EARLY, LOOKS

#: Judged by the launches of latency, too, and by so many at least.
_BESIDE, _FEWEST_BESIDE = (Scenario.MEMORY, Scenario.COLD_START), 5


def with_early_ends(plan: Plan, suite: Suite, devices: Sequence[DeviceProfile]) -> Plan:
    """Return `plan` with the cells that may end early, once their budgets are clearly broken.

    Those whose percentiles a budget limits and that are planned for as many launches as the first
    look of a gate takes, or more. Not where the suite says how many launches it wants, `ends_early`
    is false, or a claim may read them; not variants that others are compared with, nor on an
    emulated device, whose times decide nothing. Where memory or cold start is read off their
    launches, or limited, a few more are made.
    """
    if not suite.ends_early or suite.claims:
        return plan
    fixed = {spec.scenario for spec in suite.scenarios if spec.launches}
    kept = {suite.baseline} | {spec.against for spec in suite.variants}
    emulated = {device.name for device in devices if device.emulated}
    read_off = {cell.launches_of for cell in plan.cells}
    cells = []
    for cell in plan.cells:
        may = (
            cell.launches >= LOOKS[0]
            and cell.scenario not in fixed
            and cell.variant not in kept
            and cell.device not in emulated
            and time_limits(cell, suite.budgets)
        )
        beside = cell.key in read_off or _limited_beside(cell, suite.budgets)
        after = (_FEWEST_BESIDE if beside else EARLY) if may else 0
        cells.append(dataclasses.replace(cell, ends_after=after))
    return Plan(tuple(cells), plan.skips)


def _limited_beside(cell: Cell, budgets: Sequence[Budget]) -> bool:
    return any(
        BUDGET_KEYS[key][0].scenario in _BESIDE
        for budget in budgets
        if selects(budget, cell)
        for key in budget.limits
    )
