"""Holds rows against budgets; pure.

PASS only if the upper limit keeps the budget, FAIL only if the lower limit breaks it, otherwise
INCONCLUSIVE with what to do about it. Timing and memory use two-sided 95 % limits; quality is a
non-inferiority test: the one-sided 95 % upper limit of the loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchhub.errors import ConfigError, nearest
from benchhub.model import BY_DEFINITION, Budget, Cell, Row, Scenario, Verdict, VerdictOutcome

MIN_LAUNCHES = 10
#: A median over five launches is below the largest of them with 97 %.
MIN_LAUNCHES_OF_MEDIAN = 5
#: Launches of a cell by scenario and effort (plan.py); throughput has too few at any effort.
_LAUNCHES: Mapping[str, Mapping[str, int]] = {
    Scenario.LATENCY: {"standard": 10, "rigorous": 25},
    Scenario.MEMORY: {"standard": 5, "rigorous": 12},
    Scenario.COLD_START: {"standard": 5, "rigorous": 12},
}
#: Flags that say that others used the processor meanwhile.
_CROWDED = frozenset({"foreign_cpu", "steal", "pressure"})


@dataclass(frozen=True, slots=True)
class _Limit:
    """One entry of a budget: the column it limits and the scenario that measures it.

    `timing` limits are void on an emulated device and under a disturbance; `at_least` turns the
    comparison round.
    """

    column: str
    limit: float
    scenario: Scenario | None
    timing: bool = False
    at_least: bool = False
    min_launches: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    value: float | None
    low: float | None
    high: float | None


def judge(rows: Sequence[Row], budgets: Sequence[Budget]) -> tuple[Verdict, ...]:
    """Return a verdict for every entry of every budget and every cell it applies to.

    An entry applies to the cells of its own scenario; where a matching (device, backend, variant)
    has none of that scenario, to any of its cells that measured the column; where nothing did, one
    INCONCLUSIVE verdict says so. The null backend runs no model, so no budget applies to it.
    """
    return tuple(
        _judged(row, row_group, budget, limit)
        for budget in budgets
        for limit in _limits(budget)
        for row_group in _groups(rows, budget)
        for row in _applies(row_group, budget, limit)
    )


def exit_code(verdicts: Sequence[Verdict], failed_cells: int = 0) -> int:
    """Return 3 if cells failed, else 1 on a FAIL, else 4 on an INCONCLUSIVE, else 0."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if failed_cells:
        return 3
    if VerdictOutcome.FAIL in outcomes:
        return 1
    return 4 if VerdictOutcome.INCONCLUSIVE in outcomes else 0


def check_budgets(budgets: Sequence[Budget], cells: Sequence[Cell]) -> None:
    """Raise ConfigError for a budget that no planned cell matches, naming the nearest selector."""
    models = [cell for cell in cells if cell.model_sha256]
    for budget in budgets:
        selectors: tuple[tuple[str, Sequence[str], set[str]], ...] = (
            ("device", budget.devices, {cell.device for cell in models}),
            ("variant", budget.variants, {cell.variant for cell in models}),
            ("backend", budget.backends, {cell.backend for cell in models}),
            ("thread count", [str(n) for n in budget.threads], {str(c.threads) for c in models}),
        )
        for kind, wanted, known in selectors:
            if wanted and not set(wanted) & known:
                raise ConfigError(
                    f"budget {budget.name} matches no cell: {kind} {wanted[0]} is not in this run"
                    f"{nearest(wanted[0], known)}"
                )
        if not any(_selects(budget, cell) for cell in models):
            raise ConfigError(
                f"budget {budget.name} matches no cell: no planned cell has its devices, variants,"
                " backends and threads together; see --dry-run"
            )


def _limits(budget: Budget) -> Iterator[_Limit]:
    for name, limit in budget.latency_ms.items():
        yield _Limit(f"{name}_ms", limit, Scenario.LATENCY, True, min_launches=MIN_LAUNCHES)
    few = MIN_LAUNCHES_OF_MEDIAN
    if (rate := budget.throughput_min_per_s) is not None:
        yield _Limit("throughput_per_s", rate, Scenario.THROUGHPUT, True, True, MIN_LAUNCHES)
    if (peak := budget.peak_rss_mib) is not None:
        yield _Limit("peak_rss_mib", peak, Scenario.MEMORY, min_launches=few)
    if (load := budget.load_ms) is not None:
        yield _Limit("load_ms", load, Scenario.COLD_START, True, min_launches=few)
    if (size := budget.model_bytes) is not None:
        yield _Limit("model_bytes", size, None)
    if (loss := budget.quality_loss_max) is not None:
        yield _Limit("quality_loss", loss, Scenario.QUALITY)


def _selects(budget: Budget, what: Cell | Row) -> bool:
    return _selects_model(budget, what) and (not budget.threads or what.threads in budget.threads)


def _selects_model(budget: Budget, what: Cell | Row) -> bool:
    return (
        (not budget.devices or what.device in budget.devices)
        and (not budget.variants or what.variant in budget.variants)
        and (not budget.backends or what.backend in budget.backends)
    )


def _groups(rows: Sequence[Row], budget: Budget) -> list[list[Row]]:
    """Return the rows of each (device, backend, variant) that has a row the budget selects."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.model_sha256 and _selects_model(budget, row):
            groups.setdefault((row.device, row.backend, row.variant), []).append(row)
    return [group for group in groups.values() if any(_selects(budget, row) for row in group)]


def _applies(group: list[Row], budget: Budget, limit: _Limit) -> list[Row]:
    threaded = [row for row in group if _selects(budget, row)]
    if limit.scenario is None:
        return threaded[:1]
    own = [row for row in threaded if row.scenario == limit.scenario]
    if not own and not limit.timing:  # memory and quality may be measured at one thread count only
        own = [row for row in group if row.scenario == limit.scenario]
    if own:
        return own
    return [row for row in threaded if getattr(row, limit.column) is not None] or threaded[:1]


def _judged(row: Row, group: list[Row], budget: Budget, limit: _Limit) -> Verdict:
    seen = _seen(row, budget, limit)
    outcome, reason = _outcome(row, group, budget, limit, seen)
    return Verdict(
        cell=row.cell,
        device=row.device,
        variant=row.variant,
        backend=row.backend,
        scenario=row.scenario,
        batch=row.batch,
        threads=row.threads,
        budget=budget.name,
        column=limit.column,
        limit=float(limit.limit),
        value=seen.value,
        low=seen.low,
        high=seen.high,
        launches=row.launches,
        outcome=outcome,
        reason=reason,
    )


def _seen(row: Row, budget: Budget, limit: _Limit) -> _Seen:
    value = getattr(row, limit.column)
    if value is None:
        return _Seen(None, None, None)
    if limit.column == "model_bytes":
        return _Seen(value, value, value)
    known = row.intervals.get(limit.column, {})
    low, high = known.get("low"), known.get("high")
    if limit.column != "quality_loss":
        return _Seen(value, low, high)
    high = known.get("upper_one_sided")
    if budget.quality_loss_relative:
        base = abs(known.get("baseline") or 0.0)
        if not base:
            return _Seen(None, None, None)
        value, low, high = (None if x is None else x / base for x in (value, low, high))
    return _Seen(value, low, high)


def _outcome(
    row: Row, group: list[Row], budget: Budget, limit: _Limit, seen: _Seen
) -> tuple[VerdictOutcome, str]:
    for flag in (flag for one in group for flag in one.flags):
        if flag.name in ("garbage", "nonfinite"):
            return VerdictOutcome.FAIL, f"garbage: {flag.evidence}"
    if limit.column == "quality_loss" and _by_definition(row) and row.status == "finished":
        return VerdictOutcome.PASS, "the loss of the baseline against itself is 0 by definition"
    if unusable := _unusable(row, limit, seen):
        return VerdictOutcome.INCONCLUSIVE, unusable
    doubts = [flag for flag in row.flags if flag.caps] if limit.timing else []
    doubt = "; ".join(f"{flag.name}: {flag.evidence}" for flag in doubts)
    alone = any(flag.name == "single_launch" for flag in doubts)
    worst, best = (seen.low, seen.high) if limit.at_least else (seen.high, seen.low)
    if best is not None and _breaks(best, limit) and not alone:
        side = "upper" if limit.at_least else "lower"
        but = f" (but {doubt})" if doubt else ""
        return VerdictOutcome.FAIL, f"even the {side} limit {best:.4g} breaks it{but}"
    if unproven := _unproven(row, budget, limit, worst, doubt):
        return VerdictOutcome.INCONCLUSIVE, unproven
    side = "lower" if limit.at_least else "upper"
    return VerdictOutcome.PASS, f"{side} limit {worst:.4g} keeps it"


def _breaks(value: float, limit: _Limit) -> bool:
    return value < limit.limit if limit.at_least else value > limit.limit


def _unusable(row: Row, limit: _Limit, seen: _Seen) -> str | None:
    if row.status != "finished" and limit.column != "model_bytes":
        return f"the cell is {row.status}: {row.reason}"
    if seen.value is None:
        return _missing(row, limit)
    if limit.timing and row.emulated:
        return "emulated: its times say nothing about a real device; measure on one"
    return None


def _unproven(
    row: Row, budget: Budget, limit: _Limit, worst: float | None, doubt: str
) -> str | None:
    """Return why this cannot be a PASS, and what to do about it; None if it is one."""
    if row.launches < limit.min_launches:
        return f"needs {limit.min_launches} launches, has {row.launches}: {_more(row, limit)}"
    if limit.column == "quality_loss" and (row.quality_cases or 0) < budget.quality_min_cases:
        return (
            f"needs {budget.quality_min_cases} cases, has {row.quality_cases}:"
            " raise scenarios.quality.cases, or set quality_min_cases"
        )
    if doubt:
        return f"{doubt}; quiet the device and measure again"
    if worst is None:
        return f"the limits of {limit.column} are unknown: {_more(row, limit)}"
    if _breaks(worst, limit):
        side = "lower" if limit.at_least else "upper"
        return (
            f"cannot be told: the interval reaches past the budget ({side} limit {worst:.4g});"
            f" {_more(row, limit)}"
        )
    return None


def _more(row: Row, limit: _Limit) -> str:
    """Return what to run so that the next report can decide."""
    if limit.column == "quality_loss":
        return "raise cases in [scenarios.quality]"
    by_hand = f"launches in [scenarios.{row.scenario}]"
    for effort, launches in _LAUNCHES.get(row.scenario, {}).items():
        if max(row.launches, limit.min_launches - 1) < launches:
            more = f"run with --effort {effort}, or raise {by_hand}"
            break
    else:
        few = max(limit.min_launches, 2 * row.launches)
        more = f"set {by_hand} to {few}"
    noisy = any(flag.name in _CROWDED for flag in row.flags)
    return f"stop the other programs on the device, then {more}" if noisy else more


def _by_definition(row: Row) -> bool:
    return bool(row.intervals.get("quality_loss", {}).get("method") == BY_DEFINITION)


def _missing(row: Row, limit: _Limit) -> str:
    if limit.column in row.withheld:
        why = row.withheld[limit.column].removeprefix("n/a: ")
        return f"{limit.column} is withheld, {why}: {_more(row, limit)}"
    if limit.column == "quality_loss" and "quality" in row.withheld:
        return f"quality could not be judged, {row.withheld['quality']}"
    if limit.scenario is None:
        return f"{limit.column} is not known for this model"
    if limit.column == "quality_loss" and row.quality is not None:
        return "quality_loss has no baseline to refer to: measure the baseline's quality as well"
    return f"{limit.column} was not measured: add [scenarios.{limit.scenario}] to the suite"
