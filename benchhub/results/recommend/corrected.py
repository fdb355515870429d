"""Verdicts of several candidates, of which one is chosen: what still holds for all of them.

Of many candidates that lie at a limit the one that looks best is chosen, so a PASS at 95 % means
less the more there are (the winner's curse). A PASS stands where the end of the interval that
decides keeps the limit, too, when it is moved out to the level 1 / tries of the usual one: then no
candidate that breaks a limit is among those that pass, in 95 of 100 matrices (Bonferroni; its
source stands in `stats.widened`). A FAIL stands as it is.
"""

from __future__ import annotations

import math

from benchhub.model.asked import Budget
from benchhub.model.figure import Look
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import VerdictOutcome
from benchhub.results.recommend.answer import Evidence
from benchhub.results.verdicts.limits import Limit, limit_of
from benchhub.stats.looks import ALPHA, clearly_below
from benchhub.stats.rare_launches import most_missing
from benchhub.stats.rare_losses import CLOPPER_PEARSON
from benchhub.stats.widened import widening
from benchhub.text import rounded

#: The one-sided error of a limit on a loss, and of others.
_OF_LOSS, _OF_OTHERS = 0.05, 0.025


def corrected(verdict: Verdict, row: Row, budget: Budget, tries: int) -> Evidence:
    """Return what a verdict on `row` says as that of one of `tries` candidates."""
    if verdict.outcome is not VerdictOutcome.PASS:
        return Evidence(verdict, verdict.outcome, reason=verdict.reason)
    limit = limit_of(verdict.key, verdict.limit)
    if verdict.by_definition or limit.scenario is None:  # nothing was measured
        return Evidence(verdict, VerdictOutcome.PASS, reason=verdict.reason)
    if (open_still := _not_rare(verdict, row, limit, budget, tries)) is not None:
        return open_still
    looks = row[limit.column].looks
    if looks:
        if any(clearly_below(look, limit.limit) for look in looks):
            return Evidence(verdict, VerdictOutcome.PASS, reason=verdict.reason)
        worst = min((_far_high(look, tries) for look in looks), default=math.inf)
    else:
        worst = _far_end(verdict, row, limit, tries)
    if math.isfinite(worst) and not limit.broken_by(worst):
        return Evidence(verdict, VerdictOutcome.PASS, worst, verdict.reason)
    side = "lower" if limit.key.at_least else "upper"
    return Evidence(
        verdict,
        VerdictOutcome.INCONCLUSIVE,
        worst,
        f"keeps it alone, but not as one of {tries} that were looked at ({side} limit"
        f" {rounded(worst)})",
    )


def _not_rare(
    verdict: Verdict, row: Row, limit: Limit, budget: Budget, tries: int
) -> Evidence | None:
    """Return that more launches than its `rare_launches` may miss a limit, of so many tries."""
    interval = row[limit.column].interval
    each = interval.by_launch if interval else ()
    share = budget.rare_launches
    if share is None or limit.quantity.quantile is None or not each:
        return None
    most = most_missing(sum(map(limit.broken_by, each)), len(each), tries)
    if most <= share:
        return None
    why = f"up to {most:.1%} of launches may miss it by themselves"
    return Evidence(
        verdict,
        VerdictOutcome.INCONCLUSIVE,
        reason=f"keeps it alone, but not as one of {tries} that were looked at ({why})",
    )


def _far_high(look: Look, tries: int) -> float:
    """Return the upper limit of a percentile at a look, moved out."""
    if look.high is None or not look.estimate:
        return math.inf
    factor = widening(tries, look.launches, 1 - 2 * ALPHA)
    return look.estimate * _power(look.high / look.estimate, factor)


def _far_end(verdict: Verdict, row: Row, limit: Limit, tries: int) -> float:
    """Return the end that decides of what is judged once, moved out."""
    end = verdict.low if limit.key.at_least else verdict.high
    if end is None or verdict.value is None:
        return math.inf
    if limit.is_loss:
        groups = row.quality.groups if row.quality else None
        factor = widening(tries, groups, 1 - 2 * _OF_LOSS)
        interval = row[limit.column].interval
        if interval is not None and interval.method == CLOPPER_PEARSON:
            # Of no case that differs the upper limit is -log(error) / cases.
            factor = max(factor, math.log(_OF_LOSS / tries) / math.log(_OF_LOSS))
        return end + max(0.0, end - verdict.value) * (factor - 1)
    factor = widening(tries, verdict.launches, 1 - 2 * _OF_OTHERS)
    if verdict.value <= 0 or end <= 0:
        return math.inf
    return verdict.value * _power(end / verdict.value, factor)


def _power(ratio: float, factor: float) -> float:
    return math.exp(min(math.log(ratio) * factor, 700.0))
