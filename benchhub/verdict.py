"""One row against one limit of a budget; pure.

PASS only if the upper limit keeps the budget, FAIL only if the lower limit breaks it, otherwise
INCONCLUSIVE with what to do about it. Percentiles are judged look by look, at limits that all looks
together keep; other timing and memory use two-sided 95 % limits; quality is a non-inferiority test:
the one-sided 95 % upper limit of the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchhub.model import BY_DEFINITION, Budget, Row, Scenario, Verdict, VerdictOutcome
from benchhub.stats.looks import Look, deciding

MIN_LAUNCHES = 10
#: A median over five launches is below the largest of them with 97 %.
MIN_LAUNCHES_OF_MEDIAN = 5
#: Planned launches of a cell by scenario and effort (plan.py); those of throughput never suffice.
LAUNCHES: Mapping[str, Mapping[str, int]] = {
    Scenario.LATENCY: {"standard": 10, "rigorous": 25},
    Scenario.PACED: {"standard": 10, "rigorous": 25},
    Scenario.MEMORY: {"standard": 5, "rigorous": 12},
    Scenario.COLD_START: {"standard": 5, "rigorous": 12},
}
#: Flags that say that others used the processor meanwhile.
_CROWDED = frozenset({"foreign_cpu", "steal", "pressure"})
#: Their percentiles are of other things under the same names; neither stands in for the other.
_OF_THEIR_OWN = (Scenario.LATENCY, Scenario.PACED)


@dataclass(frozen=True, slots=True)
class Limit:
    """One entry of a budget: the column it limits and the scenario that measures it.

    `timing` limits are void on an emulated device and under a disturbance, those of memory on an
    emulated device; `at_least` turns the comparison round.
    """

    column: str
    limit: float
    scenario: Scenario | None
    timing: bool = False
    at_least: bool = False
    min_launches: int = 0

    def in_own_scenario(self, row: Row) -> bool:
        """Return whether `row`'s column is what this limit is about."""
        return self.scenario not in _OF_THEIR_OWN or row.scenario == self.scenario


@dataclass(frozen=True, slots=True)
class _Seen:
    value: float | None
    low: float | None
    high: float | None
    launches: int


def judge_row(row: Row, group: Sequence[Row], budget: Budget, limit: Limit) -> Verdict:
    """Return the verdict on `row`; `group` holds all rows of its device, backend and variant."""
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
        launches=seen.launches,
        outcome=outcome,
        reason=reason,
    )


def _seen(row: Row, budget: Budget, limit: Limit) -> _Seen:
    value, count = getattr(row, limit.column), row.launches
    known = row.intervals.get(limit.column, {})
    if not limit.in_own_scenario(row):
        return _Seen(None, None, None, count)
    if looks := [Look(**look) for look in known.get("looks", ())]:
        look = deciding(looks, limit.limit) or looks[-1]
        return _Seen(value, look.low, look.high, look.launches)
    if value is None:
        return _Seen(None, None, None, count)
    if limit.column == "model_bytes":
        return _Seen(value, value, value, count)
    low, high = known.get("low"), known.get("high")
    if limit.column != "quality_loss":
        return _Seen(value, low, high, count)
    high = known.get("upper_one_sided")
    if budget.quality_loss_relative:
        base = abs(known.get("baseline") or 0.0)
        if not base:
            return _Seen(None, None, None, count)
        value, low, high = (None if x is None else x / base for x in (value, low, high))
    return _Seen(value, low, high, count)


def _outcome(
    row: Row, group: Sequence[Row], budget: Budget, limit: Limit, seen: _Seen
) -> tuple[VerdictOutcome, str]:
    for flag in (flag for one in group if _answers_alike(one, row, limit) for flag in one.flags):
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


def _answers_alike(one: Row, row: Row, limit: Limit) -> bool:
    """Return whether `one` has the outputs of `row`: those of another precision are not its own.

    A limit on the model itself is about all of them.
    """
    if limit.scenario is None:
        return True
    precisions = (one.precision, row.precision)
    return one.options == row.options and (None in precisions or len(set(precisions)) == 1)


def _breaks(value: float, limit: Limit) -> bool:
    return value < limit.limit if limit.at_least else value > limit.limit


def _unusable(row: Row, limit: Limit, seen: _Seen) -> str | None:
    if row.status != "finished" and limit.column != "model_bytes":
        return f"the cell is {row.status}: {row.reason}"
    if seen.value is None and not (seen.low is not None and _breaks(seen.low, limit)):
        return _missing(row, limit)
    if limit.timing and row.emulated:
        return "emulated: its times say nothing about a real device; measure on one"
    if limit.scenario is Scenario.MEMORY and row.emulated:
        return "emulated: its memory may hold the emulator's own; measure on a real device"
    return None


def _unproven(
    row: Row, budget: Budget, limit: Limit, worst: float | None, doubt: str
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
        if any(flag.name == "overloaded" for flag in row.flags):
            return f"{doubt}; at this rate the wait only grows: lower it, or raise concurrency"
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


def _more(row: Row, limit: Limit) -> str:
    """Return what to run so that the next report can decide."""
    if limit.column == "quality_loss":
        return "raise cases in [scenarios.quality]"
    by_hand = f"launches in [scenarios.{row.scenario}]"
    for effort, launches in LAUNCHES.get(row.scenario, {}).items():
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


def _missing(row: Row, limit: Limit) -> str:
    if limit.column in row.withheld and limit.in_own_scenario(row):
        why = row.withheld[limit.column].removeprefix("n/a: ")
        return f"{limit.column} is withheld, {why}: {_more(row, limit)}"
    if limit.column == "quality_loss" and "quality" in row.withheld:
        return f"quality could not be judged, {row.withheld['quality']}"
    if limit.scenario is None:
        return f"{limit.column} is not known for this model"
    if limit.column == "quality_loss" and row.quality is not None:
        return "quality_loss has no baseline to refer to: measure the baseline's quality as well"
    return f"{limit.column} was not measured: add [scenarios.{limit.scenario}] to the suite"
