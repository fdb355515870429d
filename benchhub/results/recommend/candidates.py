"""What can be chosen on a device: cells of one kind of use, each with every limit it is held to."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence

from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.recommend.answer import Contender, Evidence, Unseen
from benchhub.results.recommend.corrected import corrected
from benchhub.results.verdicts.judge import judge, selects
from benchhub.results.verdicts.limits import limits_of
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
    return tuple(_contender(row, rows, budgets, objective, len(known)) for row in known)


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
            outcome = _contender(row, rows, budgets, objective, 1).outcome
            found.append(Unseen(row, why, outcome is not VerdictOutcome.FAIL))
    return tuple(found)


def choosable(
    rows: Sequence[Row], budgets: Sequence[Budget], objective: str, among: Collection[str] = ()
) -> list[Row]:
    """Return the rows among which is chosen, measured or not, that no limit leaves out."""
    use = use_of(rows, objective)
    chosen = [row for row in use if _is_limited(row, use, budgets)]
    return [row for row in chosen if not among or setting(row) in among]


def _of_its_own(row: Row, beside: Sequence[Row], budget: Budget) -> Iterator[Verdict]:
    """Yield verdicts on a candidate's own memory where cells of memory had other settings.

    A cell of rates is launched too seldom to keep a limit on memory: it may break one.
    """
    memory = [one for one in beside if one.scenario == Scenario.MEMORY]
    if not memory or any(_alike(one, row) for one in memory):
        return
    for limit in limits_of(budget):
        figure = row[limit.column]
        most = figure.value if figure.high is None else figure.high
        if limit.scenario is Scenario.MEMORY and most is not None and limit.broken_by(most):
            limits = {limit.key.key: limit.limit}
            yield from judge([row], [dataclasses.replace(budget, limits=limits)])


def _alike(one: Row, row: Row) -> bool:
    names = ("batch", "threads", "concurrency", "precision", "options")
    return all(getattr(one, name) == getattr(row, name) for name in names)


def _known(row: Row, objective: str) -> bool:
    value = row[objective].value
    return row.status == "finished" and value is not None and math.isfinite(value)


def _contender(
    row: Row, rows: Sequence[Row], budgets: Sequence[Budget], objective: str, tries: int
) -> Contender:
    value = row[objective].value
    return Contender(
        row,
        math.nan if value is None else value,
        row[objective].low,
        row[objective].high,
        tuple(one for budget in budgets for one in _held(row, rows, budget, tries)),
        _wrong(row, _beside(row, rows)),
    )


def _held(row: Row, rows: Sequence[Row], budget: Budget, tries: int) -> Iterator[Evidence]:
    beside = _beside(row, rows, budget.threads)
    known = {one.cell: one for one in beside}
    for verdict in (*judge(beside, [budget]), *_of_its_own(row, beside, budget)):
        yield corrected(verdict, known[verdict.cell], budget, tries)


def _wrong(row: Row, beside: Sequence[Row]) -> str:
    """Return what says that the outputs of a candidate, in any of its cells, are others."""
    of = [one for one in beside if one.batch == row.batch or one.scenario == Scenario.QUALITY]
    return next((flag.evidence for one in of for flag in one.outputs_wrong), "")


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


def _beside(row: Row, rows: Sequence[Row], threads: Collection[int] = ()) -> list[Row]:
    """Return a candidate's row and those of other scenarios that say something of the same use.

    `threads` are the counts that a limit names, if it names any.
    """
    group = [
        one
        for one in rows
        if (one.device, one.backend, one.variant) == (row.device, row.backend, row.variant)
        and one.scenario != row.scenario
    ]
    by_scenario: dict[str, list[Row]] = {}
    for one in group:
        by_scenario.setdefault(one.scenario, []).append(one)
    return [row, *(one for of in by_scenario.values() for one in _nearest(row, of, threads))]


def _nearest(row: Row, of: Sequence[Row], threads: Collection[int]) -> Iterator[Row]:
    """Yield the rows of a scenario with a candidate's own settings, as far as there are such."""
    left = [one for one in of if one.threads in threads] or list(of)
    for name in ("precision", "options", "threads", "batch"):
        mine = [one for one in left if getattr(one, name) == getattr(row, name)]
        left = mine or left
    yield from left


def setting(row: Row) -> str:
    """Return what a candidate is, devices aside: as it is written in every answer."""
    words = [f"{row.variant} on {row.backend}", plural(row.threads, "thread")]
    words += [f"batch {row.batch}"] if row.batch > 1 else []
    words += [f"concurrency {row.concurrency}"] if row.concurrency > 1 else []
    words += [row.precision] if row.precision not in (None, "f32") else []
    words += [row.options] if row.options and row.options != "{}" else []
    return ", ".join(words)
