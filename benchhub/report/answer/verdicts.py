"""The verdicts of a run: what fails, what is undecided by cause, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.row import Results
from benchhub.report.answer.verdict_table import verdict_table
from benchhub.report.gate.entries import GateEntry, counted, entries
from benchhub.report.gate.groups import SameCause, groups
from benchhub.report.gate.quick import quick_cannot
from benchhub.report.tables.table import Table
from benchhub.results.load import judged


@dataclass(frozen=True, slots=True)
class UndecidedGroup:
    """What is INCONCLUSIVE for one cause, with its one next step, and every verdict in a table."""

    told: SameCause
    table: Table


@dataclass(frozen=True, slots=True)
class ReportVerdicts:
    """The verdicts of one run, the worst first; `quick` says that its effort cannot decide."""

    result: Results
    counted: str
    quick: str
    failing: Table
    undecided: tuple[UndecidedGroup, ...]
    kept: Table


def verdicts_of(result: Results, suffix: str = "") -> ReportVerdicts:
    """Return what the gate says of a run under its own budgets; names of tables end in `suffix`."""
    gate = judged(result)
    found = entries(gate)
    failing = [one for one in found if one.outcome in ("FAIL", "ERROR") and one.verdict]
    kept = [one for one in found if one.outcome == "PASS"]
    return ReportVerdicts(
        result,
        counted(gate, found),
        quick_cannot(gate),
        verdict_table(f"failing{suffix}", "Budgets that are broken", result, failing),
        tuple(
            UndecidedGroup(one, _of_group(one, result, f"undecided-{at}{suffix}"))
            for at, one in enumerate(groups(found))
        ),
        verdict_table(f"kept{suffix}", "Budgets that are kept", result, kept),
    )


def _of_group(one: SameCause, result: Results, name: str) -> Table:
    known: Sequence[GateEntry] = [entry for entry in one.entries if entry.verdict is not None]
    return verdict_table(name, f"INCONCLUSIVE: {one.counted}", result, known)
