"""What can be chosen on a device: cells of one kind of use, each with every limit it is held to."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence

from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.recommend.answer import Contender, Unseen
from benchhub.results.recommend.held import held
from benchhub.results.verdicts.judge import selects
from benchhub.text import plural


def use_of(rows: Sequence[Row], objective: str) -> tuple[Row, ...]:
    """Return the rows of one device among which is chosen, by the quantity `objective`.

    Those of its scenario (a file's: of latency), at the smallest batch and at its first shapes:
    times of calls of other sizes are no alternatives. In throughput all batches are, of a shape.
    """
    scenario = QUANTITIES[objective].scenario or Scenario.LATENCY
    of = [row for row in rows if row.runs_model and row.scenario == scenario]
    if scenario is not Scenario.THROUGHPUT:
        least = min((row.batch for row in of), default=1)
        of = [row for row in of if row.batch == least]
    first: dict[str, str | None] = {}
    for row in of:
        first.setdefault(row.variant, row.shapes)
    return tuple(row for row in of if row.shapes == first[row.variant])


def candidates(
    rows: Sequence[Row], budgets: Sequence[Budget], objective: str, among: Collection[str] = ()
) -> tuple[Contender, ...]:
    """Return what can be chosen of one device's rows; of a quantity that was not measured, none.

    `among`: of these settings only, as `setting` writes them.

    Settings that limits of times leave out, where they name others, are no candidates: a budget
    for one thread is not kept by two.
    """
    known = [row for row in choosable(rows, budgets, objective, among) if _known(row, objective)]
    return tuple(held(row, rows, budgets, objective, len(known)) for row in known)


def unseen(
    rows: Sequence[Row], budgets: Sequence[Budget], objective: str, among: Collection[str] = ()
) -> tuple[Unseen, ...]:
    """Return which of one device's rows would be candidates, had they a figure, and why not."""
    found = []
    for row in choosable(rows, budgets, objective, among):
        if row.status != "finished":
            found.append(Unseen(row, row.reason or row.status, row.status != "failed"))
        elif not _known(row, objective):
            withheld = row[objective].withheld
            why = f"{objective} is withheld: {withheld}" if withheld else f"it has no {objective}"
            outcome = held(row, rows, budgets, objective, 1).outcome
            found.append(Unseen(row, why, outcome is not VerdictOutcome.FAIL))
    return tuple(found)


def choosable(
    rows: Sequence[Row], budgets: Sequence[Budget], objective: str, among: Collection[str] = ()
) -> list[Row]:
    """Return the rows among which is chosen, measured or not, that no limit leaves out."""
    use = use_of(rows, objective)
    chosen = [row for row in use if _is_limited(row, use, budgets)]
    return [row for row in chosen if not among or setting(row) in among]


def _known(row: Row, objective: str) -> bool:
    value = row[objective].value
    return row.status == "finished" and value is not None and math.isfinite(value)


def _is_limited(row: Row, use: Sequence[Row], budgets: Sequence[Budget]) -> bool:
    """Return whether limits of times that name thread counts for such a row name its own.

    Those of other scenarios only where a row of this use has one of their counts.
    """
    mine = [one for one in budgets if _names_threads(one, row, use)]
    return not mine or any(selects(one, row) for one in mine)


def _names_threads(budget: Budget, row: Row, use: Sequence[Row]) -> bool:
    limits = [BUDGET_KEYS[key] for key in budget.limits]
    timing = [key for key, quantity in limits if quantity.timing]
    if not (budget.threads and timing and selects(dataclasses.replace(budget, threads=()), row)):
        return False
    return any(key.scenario == row.scenario for key in timing) or any(
        selects(budget, one)
        for one in use
        if (one.variant, one.backend) == (row.variant, row.backend)
    )


def setting(row: Row) -> str:
    """Return what a candidate is, devices aside: as it is written in every answer."""
    words = [f"{row.variant} on {row.backend}"]
    words += [plural(row.threads, "thread")] if row.threads else []  # imported: not known
    words += [f"batch {row.batch}"] if row.batch > 1 else []
    words += [f"concurrency {row.concurrency}"] if row.concurrency > 1 else []
    words += [row.precision] if row.precision not in (None, "f32") else []
    words += [row.options] if row.options and row.options != "{}" else []
    return ", ".join(words)
