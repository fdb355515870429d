"""What to do about a verdict that is no PASS, as an order that a reader can follow; pure."""

from __future__ import annotations

from collections.abc import Mapping

from benchhub.model.flag import CROWDED, FlagKind
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.after_failure import after_failure
from benchhub.results.verdicts.limits import Limit

#: Planned launches of a cell by scenario and effort (planning/plan.py); those of throughput never
#: suffice.
_LAUNCHES: Mapping[str, Mapping[str, int]] = {
    Scenario.LATENCY: {"standard": 10, "rigorous": 25},
    Scenario.PACED: {"standard": 10, "rigorous": 25},
    Scenario.MEMORY: {"standard": 5, "rigorous": 12},
    Scenario.COLD_START: {"standard": 5, "rigorous": 12},
}
#: Of a limit's scenario; None: of the model file.
_TOO_MUCH: Mapping[Scenario | None, str] = {
    Scenario.LATENCY: "choose a faster variant or backend, or more threads",
    Scenario.PACED: "lower the rate, raise concurrency, or choose a faster variant",
    Scenario.THROUGHPUT: "choose a faster variant, or raise batch or concurrency",
    Scenario.MEMORY: "choose a smaller variant or another backend",
    Scenario.COLD_START: "choose a smaller variant, or a backend that compiles less as it loads",
    Scenario.QUALITY: "compress less, calibrate on more cases, or choose another recipe",
    None: "compress further",
}
#: Doubts that pass by themselves.
_SETTLING = frozenset({FlagKind.SLOWDOWN, FlagKind.THROTTLED, FlagKind.DRIFT, FlagKind.CANARY})
FIX_LABELS = (
    "check the labels, the output and what its scores are; if it is meant, set"
    " baseline_below_chance = true in [suite]"
)
FIX_OUTPUTS = "check the recipe and its calibration: the outputs are not the baseline's"
ON_A_REAL_DEVICE = "measure on a real device"
_CALLS_THEMSELVES = (
    "import the times of single calls where the program writes them, or measure here"
)


def after_fail(limit: Limit, disturbed: bool) -> str:
    """Return what to do about a limit that is broken, be it by a device that was disturbed."""
    advice = f"{_TOO_MUCH[limit.scenario]}; or raise the budget"
    if limit.key.at_least:
        advice = f"{_TOO_MUCH[limit.scenario]}; or lower the budget"
    return f"quiet the device and measure again before you {advice}" if disturbed else advice


def after_no_result(row: Row) -> str:
    """Return what to do about a cell that failed or was not measured."""
    if row.status == "failed":
        return after_failure(row)
    return f"go on with `benchhub run --resume {row.run}`"


def more(row: Row, limit: Limit) -> str:
    """Return what to run so that the next report can decide."""
    if any(flag.name is FlagKind.AS_TOLD for flag in row.flags):
        return _CALLS_THEMSELVES
    if limit.is_loss:
        return "raise cases in [scenarios.quality]"
    if not row.of_suite:
        return _with_more_launches(row, limit, "")
    if limit.scenario is not None and row.scenario != limit.scenario:
        return in_own_scenario(row, limit.scenario)
    if limit.timing and any(flag.name is FlagKind.COARSE_CLOCK for flag in row.flags):
        return f"raise batch in [scenarios.{row.scenario}]: the clock is too coarse for such calls"
    return _with_more_launches(row, limit, f"launches in [scenarios.{row.scenario}]")


def _with_more_launches(row: Row, limit: Limit, by_hand: str) -> str:
    """Return how to have more launches: by effort, or where the suite says how many."""
    for effort, launches in _LAUNCHES.get(row.scenario, {}).items():
        if max(row.launches, limit.key.min_launches - 1) < launches:
            said = f"run with --effort {effort}" + (f", or raise {by_hand}" if by_hand else "")
            break
    else:
        if not by_hand:
            return "quiet the device and measure again: this is the most effort there is"
        said = f"set {by_hand} to {max(limit.key.min_launches, 2 * row.launches)}"
    noisy = limit.timing and any(flag.name in CROWDED for flag in row.flags)
    return f"stop the other programs on the device, then {said}" if noisy else said


def after_doubt(row: Row, limit: Limit) -> str:
    """Return what to do about a device that was disturbed, or a rate that is too high."""
    if limit.is_loss:
        return "take a baseline that answers alike at each batch, or measure at its smallest"
    names = {flag.name for flag in row.flags if flag.caps_times}
    if FlagKind.OVERLOADED in names:
        return "lower the rate, or raise concurrency: at this rate the wait only grows"
    if FlagKind.OVERSUBSCRIBED in names:
        return "ask for no more threads than there are cores, or give the launches more cores"
    if FlagKind.AS_TOLD in names:
        return _CALLS_THEMSELVES
    if FlagKind.AVERAGED in names:
        return "time single calls: `benchmark.pedantic(f, rounds=200, iterations=1)`"
    if names == {FlagKind.SINGLE_LAUNCH}:
        return "measure more launches; of pytest-benchmark, import the files of ten sessions"
    if names == {FlagKind.NO_STEADY_STATE}:
        if not row.of_suite:
            return "run with --effort rigorous, and quiet the device until launches settle"
        return f"raise iterations in [scenarios.{row.scenario}] until launches settle"
    if names <= _SETTLING:
        return "let the device settle, or cool it, and measure again"
    return "quiet the device and measure again"


def in_own_scenario(row: Row, scenario: Scenario) -> str:
    """Return how to have a column of `row`'s cell measured where it is measured best."""
    if scenario in row.left_out:
        return f"run with --scenario {scenario} as well: this run was narrowed down without it"
    return f"add [scenarios.{scenario}] to the suite"
