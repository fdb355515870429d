"""The highest rate of arrivals at which a percentile of the latency keeps its limit; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from benchhub.model.asked import Budget
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.verdicts.limits import Limit, limit_of
from benchhub.results.verdicts.one_row import judge_row

#: What the rows of one sweep have in common; only the rate differs. A failed cell knows no
#: precision, so where there are several it is a sweep of its own.
_SETTINGS = (
    "run", "device", "backend", "variant", "model_sha256", "batch", "threads", "concurrency",
    "options", "precision",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What one sweep of rates says about a limit.

    `highest` is the row with the highest rate that passed, None if none did. `first_failed` is the
    row with the lowest rate above it that failed; the rates between the two, and those that are
    INCONCLUSIVE, are not known. `rows` and `outcomes` are the whole sweep, by rate.
    """

    rows: tuple[Row, ...]
    outcomes: tuple[VerdictOutcome, ...]
    highest: Row | None
    first_failed: Row | None

    @property
    def rate_per_s(self) -> float | None:
        """The highest rate that passed."""
        return None if self.highest is None else self.highest.rate_per_s


def sweeps(rows: Sequence[Row]) -> tuple[tuple[Row, ...], ...]:
    """Return the paced rows in groups that differ in nothing but the rate, each by rate."""
    groups: dict[tuple[Hashable, ...], list[Row]] = {}
    for row in rows:
        if row.scenario == Scenario.PACED and row.rate_per_s is not None and row.runs_model:
            key = tuple(getattr(row, name) for name in _SETTINGS)
            groups.setdefault(key, []).append(row)
    return tuple(tuple(sorted(group, key=_rate)) for group in groups.values())


def highest_rate(rows: Sequence[Row], percentile: str, limit_ms: float) -> tuple[RateLimit, ...]:
    """Return, for each sweep in `rows`, the highest rate that keeps `percentile` below `limit_ms`.

    `percentile` is p50, p90, p95 or p99. A rate is judged as a budget would judge it: the upper
    limit of the interval must keep the limit, over at least ten launches, undisturbed.
    """
    key = f"paced_{percentile}_ms"
    limit, budget = limit_of(key, limit_ms), Budget("", limits={key: limit_ms})
    found = []
    for sweep in sweeps(rows):
        verdicts = [judge_row(row, (row,), budget, limit) for row in sweep]
        found.append(_rate_limit(sweep, verdicts))
    return tuple(found)


def judge_rates(
    rows: Sequence[Row], group: Sequence[Row], budget: Budget, limit: Limit
) -> Iterator[Verdict]:
    """Yield one verdict for each sweep in `rows`: is the limit kept at the budget's rate or above?

    PASS if a rate at or above it passes; FAIL if that very rate and all above it fail. A rate that
    is slower than asked proves nothing, nor does one that is faster and fails.
    """
    wanted = budget.paced_min_rate_per_s or 0.0
    for sweep in sweeps(rows):
        verdicts = [judge_row(row, group, budget, limit) for row in sweep]
        told = _rate_limit(sweep, verdicts)
        asked = [
            (row, verdict)
            for row, verdict in zip(sweep, verdicts, strict=True)
            if _rate(row) >= wanted
        ]
        passed = [(row, one) for row, one in asked if one.outcome is VerdictOutcome.PASS]
        if passed:
            row, verdict = passed[-1]
            yield _with(verdict, VerdictOutcome.PASS, f"at {_rate(row):g}/s {verdict.reason}", told)
        elif not asked:
            why = f"no rate of {wanted:g}/s or more was measured"
            yield _with(
                verdicts[-1], VerdictOutcome.INCONCLUSIVE, why, told, _add_rate(wanted), why
            )
        elif any(one.outcome is not VerdictOutcome.FAIL for _, one in asked):
            row, verdict = next(
                pair for pair in asked if pair[1].outcome is not VerdictOutcome.FAIL
            )
            why = f"at {_rate(row):g}/s {verdict.reason}"
            step = verdict.next_step
            yield _with(verdict, VerdictOutcome.INCONCLUSIVE, why, told, step, verdict.cause)
        elif _rate(asked[0][0]) > wanted:
            why = f"every rate above {wanted:g}/s fails"
            step = _add_rate(wanted)
            yield _with(asked[0][1], VerdictOutcome.INCONCLUSIVE, why, told, step, why)
        else:
            row, verdict = asked[0]
            why = f"at {_rate(row):g}/s {verdict.reason}"
            yield _with(verdict, VerdictOutcome.FAIL, why, told, verdict.next_step)


def _add_rate(rate_per_s: float) -> str:
    return f"add {rate_per_s:g} to scenarios.paced.rate_per_s"


def _rate_limit(sweep: tuple[Row, ...], verdicts: Sequence[Verdict]) -> RateLimit:
    outcomes = tuple(verdict.outcome for verdict in verdicts)
    pairs = list(zip(sweep, outcomes, strict=True))
    passed = [row for row, outcome in pairs if outcome is VerdictOutcome.PASS]
    highest = passed[-1] if passed else None
    above = _rate(highest) if highest else 0.0
    failed = [
        row for row, outcome in pairs if outcome is VerdictOutcome.FAIL and _rate(row) > above
    ]
    return RateLimit(sweep, outcomes, highest, failed[0] if failed else None)


def _with(
    verdict: Verdict,
    outcome: VerdictOutcome,
    why: str,
    told: RateLimit,
    next_step: str = "",
    cause: str = "",
) -> Verdict:
    highest = "none" if told.rate_per_s is None else f"{told.rate_per_s:g}/s"
    reason = f"{why} (highest rate that keeps it: {highest})"
    return dataclasses.replace(
        verdict, outcome=outcome, reason=reason, next_step=next_step, cause=cause
    )


def _rate(row: Row) -> float:
    return row.rate_per_s or 0.0
