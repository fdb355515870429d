"""A candidate with every limit that it is held to, by its own cell and by those beside it; pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence

from benchhub.model.asked import Budget
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.recommend.answer import Contender, Evidence
from benchhub.results.recommend.corrected import corrected
from benchhub.results.verdicts.judge import judge
from benchhub.results.verdicts.limits import limit_of, limits_of


def held(
    row: Row, rows: Sequence[Row], budgets: Sequence[Budget], objective: str, tries: int
) -> Contender:
    """Return a row as a candidate, one of `tries`, with every limit that it is held to."""
    value = row[objective].value
    return Contender(
        row,
        math.nan if value is None else value,
        row[objective].low,
        row[objective].high,
        tuple(one for budget in budgets for one in _evidence(row, rows, budget, tries)),
        _wrong(row, _beside(row, rows)),
    )


def _evidence(row: Row, rows: Sequence[Row], budget: Budget, tries: int) -> Iterator[Evidence]:
    beside = _beside(row, rows, budget.threads)
    known = {one.cell: one for one in beside}
    for verdict in (*judge(beside, [budget]), *_of_its_own(row, beside, budget)):
        judged = known[verdict.cell]
        if limit_of(verdict.key, verdict.limit).is_loss and not _answers_alike(judged, row):
            told = f"judged at {_settings(judged)}, and not at {_settings(row)}"
            yield Evidence(verdict, VerdictOutcome.INCONCLUSIVE, reason=f"its answers were {told}")
        else:
            yield corrected(verdict, judged, budget, tries)


def _answers_alike(one: Row, row: Row) -> bool:
    """Return whether two cells compute alike, so that the answers of one are those of both."""
    precisions = {one.precision, row.precision} - {None}
    return one.options == row.options and len(precisions) < 2


def _settings(row: Row) -> str:
    return " ".join(filter(None, (row.precision, row.options))) or "its usual settings"


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


def _wrong(row: Row, beside: Sequence[Row]) -> str:
    """Return what says that the outputs of a candidate, in any of its cells, are others."""
    of = [one for one in beside if one.batch == row.batch or one.scenario == Scenario.QUALITY]
    return next((flag.evidence for one in of for flag in one.outputs_wrong), "")


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
