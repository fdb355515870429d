"""What a gate says of each cell, in words that every format shares; pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchhub.model.asked import Budget
from benchhub.model.cell import FAILED_SKIPS
from benchhub.model.device import DeviceInfo
from benchhub.model.flag import ABOUT_QUALITY, FlagKind
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES, Grain
from benchhub.model.row import Results, Row, Verdict
from benchhub.report.gate.again import again_told
from benchhub.report.gate.quick import effort_that_can
from benchhub.report.tables.settings import spoken, usual_left_out
from benchhub.results.load import Judged
from benchhub.results.verdicts.after_failure import after_failure, lasting
from benchhub.results.verdicts.judge import NO_BUDGETS
from benchhub.text import estimate, number, plural

WORST_FIRST = ("FAIL", "ERROR", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True, slots=True)
class GateEntry:
    """One entry of a budget on one cell; a cell or device that failed may have no budget.

    `what` names the cell without its device. `strain` is 1 at the budget and larger beyond it.
    """

    outcome: str
    device: str
    what: str
    reason: str
    step: str = ""
    emulated: bool = False
    budget: str = ""
    key: str = ""
    asked: str = ""
    seen: str = ""
    launches: str = ""
    strain: float = 0.0
    verdict: Verdict | None = None

    @property
    def where(self) -> str:
        """The cell in words, with its device if it has one."""
        device = f"{self.device}{' (emulated)' if self.emulated else ''}: " if self.device else ""
        return f"{device}{self.what}"

    @property
    def limit(self) -> str:
        """The budget and what it asks."""
        return f"{self.budget}: {self.asked}" if self.asked else self.budget


def entries(judged: Judged) -> tuple[GateEntry, ...]:
    """Return everything the gate has to say, the worst cell first, emulated devices behind."""
    infos = {device.name: device for device in judged.results.devices}
    rows = {row.cell: row for row in judged.results.rows}
    budgets = {budget.name: budget for budget in judged.budgets}
    found = [
        _entry(verdict, rows.get(verdict.cell), budgets.get(verdict.budget), infos, judged)
        for verdict in judged.verdicts
    ]
    found += _failures(judged, {verdict.cell for verdict in judged.verdicts}, infos)
    found += [
        GateEntry(
            "INCONCLUSIVE", "", "no cell", "nothing that it selects could be measured",
            f"see what was skipped: `benchhub report {judged.results.run.id} --format markdown`",
            budget=name,
        )
        for name in judged.unjudged
    ]  # fmt: skip
    return tuple(sorted(found, key=_rank))


def counted(judged: Judged, found: tuple[GateEntry, ...]) -> str:
    """`1 FAIL, 9 PASS` without kinds that do not occur, or why nothing is judged."""
    tally = Counter(entry.outcome for entry in found)
    if judged.overall == NO_BUDGETS:
        failed = f"; {tally['ERROR']} ERROR" if tally["ERROR"] else ""
        return f"{not_judged(judged)}{failed}"
    return ", ".join(f"{tally[name]} {name}" for name in WORST_FIRST if tally[name])


def not_judged(judged: Judged) -> str:
    """Return why no budget is applied to a run, in the words of `run` and `gate`."""
    return nothing_judged(judged.results.run.id, judged.budgets, judged.verdicts)


def nothing_judged(run: str, budgets: Sequence[Budget], verdicts: Sequence[Verdict]) -> str:
    """Return why none of `budgets` is applied to a run, by its id, with the `verdicts` it got."""
    if not budgets:
        return f"run {run} has no budgets; add [[budgets]] or give --budgets FILE"
    names = listed(budget.name for budget in budgets)
    if verdicts:
        return (
            f"in run {run} the budgets ({names}) meet the baseline alone, whose loss against itself"
            " is 0 by definition; measure a variant beside it"
        )
    if any(budget.limits for budget in budgets):
        return f"no cell of run {run} matches any budget ({names}); check their selectors"
    return f"no budget of run {run} sets a limit ({names}); add one"


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return names as `a, b and 3 more`."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"{', '.join(known[:most])}{more}"


def closing(judged: Judged) -> str:
    """Return what to do about the answer as a whole, in a sentence or two, and what to fear."""
    return _closing(judged) + _below_chance(judged)


def _below_chance(judged: Judged) -> str:
    """Return that the baseline is no better than one answer for all cases, whatever budgets say."""
    flags = [flag for row in judged.results.rows for flag in row.flags]
    told = dict.fromkeys(flag.evidence for flag in flags if flag.name in ABOUT_QUALITY)
    if not told:
        return ""
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f" Beware, {FlagKind.BELOW_CHANCE}: {next(iter(told))}{more}."


def _closing(judged: Judged) -> str:
    run = judged.results.run
    if judged.overall == NO_BUDGETS:
        return "Nothing was held against a limit: this is neither a pass nor a failure."
    if judged.exit_code == 0:
        left = judged.results.unapplied
        if not left:
            return "Every budget is kept. There is nothing to do."
        verb = "applies" if len(left) == 1 else "apply"
        return (
            f"Every budget that applies is kept; {listed(left)} {verb} to no cell of this run."
            " There is nothing to do."
        )
    if judged.exit_code == 3:
        then = f"`benchhub run --rerun-failed {run.id}` and `benchhub gate {run.id}`"
        return (
            "Something could not be measured, so this gate is not passed. Fix the causes above,"
            f" then {then if _goes_on(judged) else f'measure again with {again_told(run)}'}."
        )
    if judged.exit_code == 1:
        typed = run.kind.without_answers or run.request.limits
        return (
            "A budget is broken: no value within the interval keeps it. Take the next step of the"
            f" cells above and measure again with {again_told(run)}; if the budget asks"
            f" too much, change it{'' if typed else ' in the suite'}."
        )
    anew = again_told(run, effort_that_can(judged))
    return (
        "Not decided: this is neither a pass nor a failure. Take the next step of the cells above"
        f" and measure again with {anew}, then gate the new run."
    )


def worth_retrying(results: Results) -> bool:
    """Return whether a launch that failed, or a device that was lost, may do better next time."""
    failed = [row for row in results.rows if row.status == "failed"]
    return any(device.error for device in results.devices) or not all(map(lasting, failed))


def provenance(judged: Judged) -> str:
    """One line: run, suite, devices with their processor, versions of backends and benchhub."""
    run = judged.results.run
    said = [f"run {run.id}", f"suite {run.suite} ({run.suite_sha256[:12]})", f"effort {run.effort}"]
    for device in judged.results.devices:
        mine = [row for row in judged.results.rows if row.device == device.name]
        names = {row.backend for row in mine if row.runs_model}
        facts = [device.facts.text("cpu_model") or device.facts.arch or ""]
        facts += [f"{name} {version}" for name, version in _versions(judged, device.name, names)]
        facts += ["emulated"] if device.emulated else []
        said.append(f"{device.name} ({', '.join(fact for fact in facts if fact)})")
    version = run.provenance.get("benchhub")
    return "; ".join([*said, *([f"benchhub {version}"] if version else [])])


def _versions(judged: Judged, device: str, names: set[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        rows = [r for r in judged.results.rows if (r.device, r.backend) == (device, name)]
        versions = sorted({row.backend_version for row in rows if row.backend_version})
        if versions:
            yield name, " and ".join(versions)


def _entry(
    verdict: Verdict,
    row: Row | None,
    budget: Budget | None,
    infos: Mapping[str, DeviceInfo],
    judged: Judged,
) -> GateEntry:
    info = infos.get(verdict.device)
    side = "≥" if BUDGET_KEYS[verdict.key][0].at_least else "≤"
    outcome = verdict.outcome.value
    step = verdict.next_step
    if row is not None and outcome == "INCONCLUSIVE" and _errored(row, info):
        outcome = "ERROR"
        step = after_failure(row) if row.status == "failed" else _again(judged)
    return GateEntry(
        outcome=outcome,
        device=verdict.device,
        what=cell_words(row) if row else f"{verdict.variant} on {verdict.backend}",
        reason=verdict.reason,
        step=step,
        emulated=bool(info and info.emulated),
        budget=verdict.budget,
        key=verdict.key,
        asked=f"{verdict.key} {side} {_number(verdict.limit)}",
        seen=_seen(verdict, row, budget),
        launches=launches_of(verdict),
        strain=_strain(verdict),
        verdict=verdict,
    )


def launches_of(verdict: Verdict) -> str:
    """Return how many launches a verdict took, and at which looks where there were several."""
    said = plural(verdict.launches, "launch")
    if len(verdict.looks) < 2:
        return said
    return f"{said} (looks at {', '.join(map(str, verdict.looks))})"


def cell_words(row: Row) -> str:
    """Return a cell in words without its device: variant, backend, scenario, settings."""
    names = ["threads", *(["batch"] if row.batch != 1 else [])]
    names += usual_left_out(row, ("concurrency", "precision", "options"))
    names += ["rate_per_s"] if row.rate_per_s is not None else []
    return f"{row.variant} on {row.backend}, {row.scenario}, {spoken(row, names)}"


def _failures(
    judged: Judged, told: set[str], infos: Mapping[str, DeviceInfo]
) -> Iterator[GateEntry]:
    named = {v.device for v in judged.verdicts}
    for row in judged.results.rows:
        if row.status == "failed" and row.cell not in told:
            named.add(row.device)
            yield GateEntry(
                "ERROR", row.device, cell_words(row), f"failed: {row.reason}", after_failure(row),
                bool(infos.get(row.device) and infos[row.device].emulated),
            )  # fmt: skip
    for device in judged.results.devices:
        if device.error and device.name not in named:
            yield GateEntry("ERROR", device.name, "whole device", device.error, _again(judged))
    seen = set()
    for skip in judged.results.skips:
        key = (skip.device, skip.variant, skip.backend)
        if skip.reason.kind in FAILED_SKIPS and key not in seen:
            seen.add(key)
            what = f"{skip.variant} on {skip.backend}"
            step = f"mend it, then {again_told(judged.results.run)}"
            emulated = bool(infos.get(skip.device) and infos[skip.device].emulated)
            yield GateEntry("ERROR", skip.device, what, skip.reason.text, step, emulated)


def _errored(row: Row, info: DeviceInfo | None) -> bool:
    lost = info is not None and info.error is not None and row.status == "unmeasured"
    return row.status == "failed" or lost


def _again(judged: Judged) -> str:
    run = judged.results.run
    again = f"`benchhub run --rerun-failed {run.id}`" if run.kind.resumable else again_told(run)
    return f"fix the cause, then {again}"


def _goes_on(judged: Judged) -> bool:
    """Whether what failed can be measured within the run, and may do better."""
    return judged.results.run.kind.resumable and worth_retrying(judged.results)


def _seen(verdict: Verdict, row: Row | None, budget: Budget | None) -> str:
    quantity = QUANTITIES[verdict.column]
    unit = quantity.unit
    low, high = verdict.low, verdict.high
    if verdict.value is None:
        said = "withheld" if row and row[verdict.column].withheld else "not measured"
        return said if low is None else f"{said}, above {number(low)} {unit}"
    if low is not None or high is not None:
        low, high = -math.inf if low is None else low, math.inf if high is None else high
    if quantity.whole:
        return f"{verdict.value:,.0f} {unit}"
    said = estimate(verdict.value, low, high, digits=3)
    if quantity.grain is Grain.QUALITY and budget is not None and budget.quality_loss_relative:
        unit = "of the baseline's"
    return f"{said}{'' if unit == '/s' else ' '}{unit}".rstrip()


def _number(value: float) -> str:
    text = number(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _strain(verdict: Verdict) -> float:
    """Return how far beyond its budget a cell is: above 1 by its value, infinite if unknown."""
    value, limit = verdict.value, verdict.limit
    if value is None:  # withheld: what is known of it is its lower limit, if that
        value = verdict.low
    if value is None:
        return math.inf
    if BUDGET_KEYS[verdict.key][0].at_least:
        return limit / value if value > 0 else math.inf
    if limit > 0:
        return value / limit
    return math.inf if value > limit else 1.0


def _rank(entry: GateEntry) -> tuple[int, bool, float]:
    return WORST_FIRST.index(entry.outcome), entry.emulated, -entry.strain
