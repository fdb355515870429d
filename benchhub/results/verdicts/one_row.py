"""One row against one limit of a budget; pure.

PASS only if the upper limit keeps the budget, FAIL only if the lower limit breaks it, otherwise
INCONCLUSIVE; what is no PASS says what to do next. Percentiles are judged look by look, at limits
that all looks together keep; other timing and memory use two-sided 95 % limits; quality is a
non-inferiority test: the one-sided 95 % upper limit of the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.asked import Budget
from benchhub.model.flag import ABOUT_QUALITY, FLAGS, OF_ANSWERS, Flag, FlagKind
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.verdicts.limits import Limit
from benchhub.results.verdicts.next_steps import (
    FIX_LABELS,
    FIX_OUTPUTS,
    ON_A_REAL_DEVICE,
    after_doubt,
    after_fail,
    after_no_result,
    in_own_scenario,
    more,
)
from benchhub.stats.looks import clearly_below, deciding
from benchhub.stats.rare_launches import launches_needed, most_missing
from benchhub.stats.rare_losses import CLOPPER_PEARSON
from benchhub.text import plural, rounded


@dataclass(frozen=True, slots=True)
class _Seen:
    value: float | None
    low: float | None
    high: float | None
    launches: int
    looks: tuple[int, ...] = ()
    #: The longest call, where that alone decides.
    most: float | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: VerdictOutcome
    reason: str
    next_step: str = ""
    cause: str = ""


def judge_row(row: Row, group: Sequence[Row], budget: Budget, limit: Limit) -> Verdict:
    """Return the verdict on `row`; `group` holds all rows of its device, backend and variant."""
    seen = _seen(row, budget, limit)
    answer = _answer(row, group, budget, limit, seen)
    return Verdict(
        cell=row.cell,
        device=row.device,
        variant=row.variant,
        backend=row.backend,
        scenario=row.scenario,
        batch=row.batch,
        threads=row.threads,
        budget=budget.name,
        key=limit.key.key,
        column=limit.column,
        limit=float(limit.limit),
        value=seen.value,
        low=seen.low,
        high=seen.high,
        launches=seen.launches,
        outcome=answer.outcome,
        reason=answer.reason,
        next_step=answer.next_step,
        looks=seen.looks,
        cause=answer.cause,
    )


def _seen(row: Row, budget: Budget, limit: Limit) -> _Seen:
    figure, count = row[limit.column], row.launches
    if not limit.in_own_scenario(row):
        return _Seen(None, None, None, count)
    if looks := figure.looks:
        look = deciding(looks, limit.limit) or looks[-1]
        taken = tuple(one.launches for one in looks if one.launches <= look.launches)
        told = None if figure.value is None else look.estimate  # withheld is withheld
        kept = look.high is not None and look.high <= limit.limit
        most = look.most if not kept and clearly_below(look, limit.limit) else None
        return _Seen(told, look.low, look.high, look.launches, taken, most)
    if figure.value is None:
        return _Seen(None, None, None, count)
    if limit.scenario is None:
        return _Seen(figure.value, figure.value, figure.value, count)
    if not limit.is_loss or row.quality is None:
        return _Seen(figure.value, figure.low, figure.high, count)
    if row.quality.by_definition:
        return _Seen(None if budget.quality_loss_relative else figure.value, None, None, count)
    lost = row.quality.share if budget.quality_loss_relative else row.quality.loss
    if lost is None:
        return _Seen(None, None, None, count)
    return _Seen(lost.estimate, lost.low, lost.upper_one_sided, count)


def _answer(row: Row, group: Sequence[Row], budget: Budget, limit: Limit, seen: _Seen) -> _Answer:
    for one in group:
        if (wrong := one.outputs_wrong) and _answers_alike(one, row, limit):
            return _Answer(VerdictOutcome.FAIL, f"garbage: {wrong[0].evidence}", FIX_OUTPUTS)
    below = [flag for flag in row.flags if flag.name in ABOUT_QUALITY] if limit.is_loss else []
    doubts = [flag for flag in row.flags if _doubts(flag, limit)]
    if (
        limit.is_loss
        and row["quality_loss"].by_definition
        and row.status == "finished"
        and not doubts
    ):
        if held := _below_chance(below):
            return held
        why = "the loss of the baseline against itself is 0 by definition"
        return _Answer(VerdictOutcome.PASS, why)
    if unusable := _unusable(row, limit, seen):
        return unusable
    doubt = _told(doubts)
    alone = any(flag.name is FlagKind.SINGLE_LAUNCH for flag in doubts)
    worst, best = (seen.low, seen.high) if limit.key.at_least else (seen.high, seen.low)
    worst = worst if seen.most is None else seen.most
    if best is not None and limit.broken_by(best) and not alone:
        side = "upper" if limit.key.at_least else "lower"
        but = f" (but {doubt})" if doubt else ""
        why = f"even the {side} limit {rounded(best)} breaks it{but}"
        return _Answer(VerdictOutcome.FAIL, why, after_fail(limit, bool(doubt)))
    if unproven := _below_chance(below) or _unproven(row, budget, limit, worst, doubts):
        return unproven
    but = f" (but {below[0].name}: {below[0].evidence})" if below else ""
    return _Answer(VerdictOutcome.PASS, _kept(row, budget, limit, seen, worst) + but)


def _kept(row: Row, budget: Budget, limit: Limit, seen: _Seen, worst: float | None) -> str:
    """Return why it is a PASS."""
    side = "lower" if limit.key.at_least else "upper"
    why = f"{side} limit {rounded(worst)} keeps it"
    if seen.most is not None:
        why = f"no call took longer than half of it ({rounded(seen.most)} at most)"
    about_launches = seen.most is not None or budget.rare_launches is not None
    if limit.quantity.quantile is not None and about_launches:
        why += _of_others(row, budget, seen)
    return why


def _of_others(row: Row, budget: Budget, seen: _Seen) -> str:
    """Return what is known, or taken for granted, of launches unlike those that were made."""
    if budget.rare_launches is not None:
        return (
            f", and so few launches of {row.launches} miss it that no {budget.rare_launches:.1%} do"
        )
    unseen = most_missing(0, seen.launches)
    return (
        f"; that {seen.launches} launches missed none of another, slower kind is taken for granted:"
        f" up to {unseen:.0%} could be of one (rare_launches)"
    )


def _below_chance(doubts: Sequence[Flag]) -> _Answer | None:
    """Return that no loss can be judged: the baseline is no better than one answer for all."""
    held = [flag for flag in doubts if flag.caps_quality]
    if not held:
        return None
    return _open(f"{held[0].name}: {held[0].evidence}", FIX_LABELS, _doubt_words(held[:1]))


def _told(doubts: Sequence[Flag]) -> str:
    return "; ".join(f"{flag.name}: {flag.evidence}" for flag in doubts)


def _doubts(flag: Flag, limit: Limit) -> bool:
    if limit.is_loss:
        return flag.caps and flag.name in OF_ANSWERS
    return limit.timing and flag.caps_times


def _open(reason: str, next_step: str, cause: str = "") -> _Answer:
    """Return that it cannot be told; `cause`: the reason without figures, where it has any."""
    return _Answer(VerdictOutcome.INCONCLUSIVE, reason, next_step, cause or reason)


def _doubt_words(flags: Sequence[Flag]) -> str:
    return "; ".join(dict.fromkeys(f"{flag.name}: {FLAGS[flag.name].words}" for flag in flags))


def _answers_alike(one: Row, row: Row, limit: Limit) -> bool:
    """Return whether `one` has the outputs of `row`: those of another precision are not its own.

    Nor are those of another batch. A limit on the model itself is about all of them.
    """
    if limit.scenario is None:
        return True
    if one.batch != row.batch:
        return False
    precisions = (one.precision, row.precision)
    return one.options == row.options and (None in precisions or len(set(precisions)) == 1)


def _unusable(row: Row, limit: Limit, seen: _Seen) -> _Answer | None:
    if row.status != "finished" and limit.scenario is not None:
        why = f"the cell is {row.status}"
        return _open(f"{why}: {row.reason}", after_no_result(row), why)
    if limit.timing and row.emulated:
        return _open("emulated: its times say nothing about a real device", ON_A_REAL_DEVICE)
    if limit.scenario is Scenario.MEMORY and row.emulated:
        return _open("emulated: its memory may hold the emulator's own", ON_A_REAL_DEVICE)
    broken = seen.low is not None and limit.broken_by(seen.low)
    if seen.value is None and not broken and seen.most is None:
        return _missing(row, limit)
    return None


def _unproven(
    row: Row, budget: Budget, limit: Limit, worst: float | None, doubts: Sequence[Flag]
) -> _Answer | None:
    """Return why this cannot be a PASS, and what to do about it; None if it is one."""
    if row.launches < limit.key.min_launches:
        return _too_few(row, limit)
    groups, cases = (row.quality.groups, row.quality.cases) if row.quality else (0, 0)
    if limit.is_loss and groups < budget.quality_min_cases:
        of = "" if groups == cases else f" in {cases}: those of one group count once"
        return _open(
            f"needs {budget.quality_min_cases} independent cases, has {groups}{of}",
            "raise cases in [scenarios.quality], or set quality_min_cases in the budget",
            f"needs {budget.quality_min_cases} independent cases",
        )
    if doubts:
        return _open(_told(doubts), after_doubt(row, limit), _doubt_words(doubts))
    if not_rare := _not_rare(row, limit, budget.rare_launches):
        return not_rare
    if worst is None:
        return _open(f"the limits of {limit.column} are unknown", more(row, limit))
    if limit.broken_by(worst):
        side = "lower" if limit.key.at_least else "upper"
        cause = "the interval reaches past the budget"
        why = f"cannot be told: {cause} ({side} limit {rounded(worst)})"
        interval = row[limit.column].interval
        if interval is not None and interval.method == CLOPPER_PEARSON:
            rest = "; so few cases differ that others, unseen, may lose more"
            why, cause = why + rest, cause + rest
        return _open(why, more(row, limit), cause)
    return None


def _not_rare(row: Row, limit: Limit, share: float | None) -> _Answer | None:
    """Return that more launches than such a share may miss a limit by themselves, if so."""
    if share is None or limit.quantity.quantile is None:
        return None
    interval = row[limit.column].interval
    each = interval.by_launch if interval else ()
    if not each:
        return _open(
            f"the {limit.column} of each launch is not known (rare_launches = {share:g})",
            "measure again: of what is summed up or pruned the calls are gone",
        )
    missed = sum(map(limit.broken_by, each))
    most = most_missing(missed, len(each))
    if most <= share:
        return None
    return _open(
        f"{missed} of {plural(len(each), 'launch')} miss it by themselves: up to {most:.1%} of all"
        f" may (rare_launches = {share:g})",
        f"set launches in [scenarios.{row.scenario}] to {launches_needed(share, missed)}",
        f"launches that miss it may be more than rare_launches = {share:g} allows",
    )


def _too_few(row: Row, limit: Limit) -> _Answer:
    return _open(f"needs {limit.key.min_launches} launches, has {row.launches}", more(row, limit))


def _missing(row: Row, limit: Limit) -> _Answer:
    figure, quality = row[limit.column], row["quality"]
    if figure.withheld and limit.in_own_scenario(row):
        if row.launches < limit.key.min_launches:
            return _too_few(row, limit)
        why = f"{limit.column} is withheld"
        return _open(f"{why}, {figure.withheld}", more(row, limit), why)
    if limit.is_loss and quality.withheld and row.scenario != limit.scenario:
        return _open(
            f"quality could not be judged, {quality.withheld}",
            f"judge it at batch {row.batch}, too: batch in [scenarios.quality]",
        )
    if limit.is_loss and quality.withheld:
        return _open(
            f"quality could not be judged, {quality.withheld}",
            "look at the labels and the number of cases in [data]",
        )
    if limit.scenario is None:
        return _open(
            f"{limit.column} is not known for this model", "remove this limit from the budget"
        )
    if limit.is_loss and figure.value is not None:
        return _open(
            "the baseline's quality is 0, and no loss is a share of that",
            "give the limit in points: quality_loss_relative = false",
        )
    if limit.is_loss and row.scenario == limit.scenario:
        return _open(
            "quality was not judged: no labels, or no metric that is installed here",
            "name them in [data], or install what the task needs",
        )
    if row.scenario == limit.scenario:
        return _open(
            f"{limit.column} was not measured: no launch timed a call",
            f"raise iterations or max_timed_s in [scenarios.{row.scenario}]",
        )
    return _open(f"{limit.column} was not measured", in_own_scenario(row, limit.scenario))
