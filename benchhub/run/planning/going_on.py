"""Which cells go on past their planned launches, and which end before them; pure.

Those go on that a budget of time leaves open, and those end that have clearly broken theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from benchhub.model.arrays import Array
from benchhub.model.asked import Budget, Effort
from benchhub.model.cell import Cell, More, SamplesOf
from benchhub.model.figure import Look
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.early import (
    TimeLimits,
    is_clear,
    launches_for_rare,
    time_limits,
)
from benchhub.stats.looks import LOOKS, breaks, deciding, looks_at

_NS_PER_S = 1e9


#: By key, cells with what limits them, and the launches that they want whatever these say.
Limited = Mapping[str, tuple[Cell, TimeLimits, int]]


def limited(
    cells: Sequence[Cell],
    budgets: Sequence[Budget],
    effort: Effort,
    emulated: Collection[str],
    fixed: Collection[Scenario] = (),
) -> Limited:
    """Return the cells that may go on past their planned launches, by key, with what limits them.

    A cell may where a budget limits a percentile of it, its device is none of `emulated`, and its
    scenario none of `fixed`, those whose number of launches the suite says itself.
    """
    return {
        cell.key: (cell, found, launches_for_rare(cell, budgets))
        for cell in cells
        if cell.scenario not in fixed
        and cell.launches == effort.launches < effort.most_launches
        and cell.device not in emulated
        and (found := time_limits(cell, budgets))
    }


def goes_on(limits: Limited, effort: Effort) -> More:
    """Return what an `DeviceWork` asks before each round: which of the `limited` cells are open.

    A cell goes on to the next look until every limit is kept or broken, or the effort's launches
    or seconds are used up. One whose budget asks for more launches, as rare ones count, makes those
    unless a limit is broken.
    """
    looks = [look for look in LOOKS if look <= effort.most_launches]
    seen: dict[tuple[str, int, bool], bool] = {}

    def more(finished: Mapping[str, int], samples_of: SamplesOf) -> set[str]:
        keys = set()
        for key, count in finished.items():
            if key not in limits:
                continue
            cell, found, fewest = limits[key]
            reached = max((look for look in looks if look <= count), default=0)
            wanted = count < fewest
            if count < cell.launches or (reached == looks[-1] and not wanted):
                continue
            if (key, reached, wanted) not in seen:
                first = samples_of(key, reached)
                seen[key, reached, wanted] = _has_time(first, effort) and (
                    not _broken(cell, first, found) if wanted else _open(cell, first, found)
                )
            if seen[key, reached, wanted]:
                keys.add(key)
        return keys

    return more


def ends(cells: Sequence[Cell], budgets: Sequence[Budget]) -> More:
    """Return what a `DeviceWork` asks before each round: which cells need no further launch.

    Each is looked at once, after the launches that it may end after.
    """
    limits = {cell.key: (cell, time_limits(cell, budgets)) for cell in cells if cell.ends_after}
    seen: dict[str, bool] = {}

    def enough(finished: Mapping[str, int], samples_of: SamplesOf) -> set[str]:
        for key, count in finished.items():
            if key in seen or key not in limits:
                continue
            cell, found = limits[key]
            if count >= cell.ends_after:
                seen[key] = is_clear(cell, samples_of(key, cell.ends_after), found)
        return {key for key in finished if seen.get(key)}

    return enough


def _has_time(launches: Sequence[Array], effort: Effort) -> bool:
    return sum(int(launch.sum()) for launch in launches) <= effort.max_cell_s * _NS_PER_S


def _open(cell: Cell, launches: Sequence[Array], limits: TimeLimits) -> bool:
    return any(look is None for look, _ in _decisions(cell, launches, limits))


def _broken(cell: Cell, launches: Sequence[Array], limits: TimeLimits) -> bool:
    decided = _decisions(cell, launches, limits)
    return any(look is not None and breaks(look, limit) for look, limit in decided)


def _decisions(
    cell: Cell, launches: Sequence[Array], limits: TimeLimits
) -> list[tuple[Look | None, float]]:
    """Return the look that decides on each limit, if there is one, with that limit."""
    timed = [launch for launch in launches if launch.size]
    warm = cell.scenario is Scenario.LATENCY
    found = looks_at(timed, [q for q, _ in limits], final=False, with_warmup=warm)
    return [
        (deciding(looks, limit), limit) for looks, (_, limit) in zip(found, limits, strict=True)
    ]
