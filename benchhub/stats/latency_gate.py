"""A percentile against a budget, deciding at the first look that allows it.

The limits at each look, and where they come from, are in `looks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchhub.model.figure import Look
from benchhub.model.scenario import VerdictOutcome
from benchhub.stats.looks import (
    ALL_LOOKS_ALPHA,
    ALPHA,
    LOOKS,
    MIN_LAUNCHES,
    deciding,
    looks_at,
)
from benchhub.stats.quantile import QuantileInterval, quantile_interval
from benchhub.stats.samples import Launches, Samples, checked, tick_slack_ns
from benchhub.stats.sequential import checked_looks, level_per_look


@dataclass(frozen=True, slots=True)
class LatencyDecision:
    """What the launches so far say of a budget; `verdict` None: measure up to `next_look`.

    `interval` is that of the look that decided, in ns, its limits at the level of the look; None
    before any launch. `launches` are those it is about.
    """

    verdict: VerdictOutcome | None
    reason: str
    launches: int
    iterations: int
    interval: QuantileInterval | None
    next_look: int | None


def latency_gate(
    draw: Callable[[int], Samples],
    budget_ns: float,
    q: float = 0.95,
    looks: Sequence[int] = LOOKS,
    alpha: float | None = None,
) -> LatencyDecision:
    """Return the verdict on the `q` quantile, drawing launches up to each look until one decides.

    `draw(k)` returns k further launches, shape (k, iterations), warm-up dropped; fewer than k when
    there are no more. The rest is as `latency_look`; the verdict is never None.
    """
    launches: Launches = []
    decision = latency_look(launches, budget_ns, q, looks, alpha)
    while decision.next_look is not None:
        wanted = decision.next_look - len(launches)
        drawn = checked(draw(wanted))
        launches += drawn
        decision = latency_look(launches, budget_ns, q, looks, alpha, final=len(drawn) < wanted)
    return decision


def latency_look(
    samples_ns: Samples,
    budget_ns: float,
    q: float = 0.95,
    looks: Sequence[int] = LOOKS,
    alpha: float | None = None,
    final: bool = False,
) -> LatencyDecision:
    """Return what all launches so far decide, in the order they were measured; pure of history.

    Every look they reach is taken in turn and the first that decides stands, so that later
    launches never overturn it, and a resumed campaign decides alike. PASS: the upper limit is at
    most `budget_ns`. FAIL: the lower limit is above it. `alpha` is one-sided and of one look; by
    default that at which all `looks` together spend ALL_LOOKS_ALPHA. `final`: no more launches
    come; those beyond the last look they reach are looked at too, and what is open is
    INCONCLUSIVE. A coarse clock widens both limits by its step. ValueError: as `checked`; a budget
    not above 0; q or alpha outside (0, 1); looks that do not increase, or begin before 10.
    """
    if not (math.isfinite(budget_ns) and budget_ns > 0):
        raise ValueError(f"a budget must be above 0 ns, not {budget_ns:g}")
    if not 0 < q < 1:
        raise ValueError(f"no samples bound the q = {q:g} quantile; ask for less than 1")
    points = checked_looks(looks, MIN_LAUNCHES)
    if alpha is None:
        alpha = ALPHA if points == LOOKS else level_per_look(points, ALL_LOOKS_ALPHA)
    launches = checked(samples_ns)
    following = None if final else next((point for point in points if point > len(launches)), None)
    if len(launches) < MIN_LAUNCHES:
        return _open(None, launches, q, alpha, following)
    (taken,) = looks_at(launches, (q,), points, alpha, final=final, with_warmup=False)
    decided = deciding(taken, budget_ns)
    if decided is not None:
        return _at(decided, launches, budget_ns, q, alpha)
    last = _at(taken[-1], launches, budget_ns, q, alpha) if taken else None
    return _open(last, launches, q, alpha, following)


def _at(
    look: Look, launches: Launches, budget_ns: float, q: float, alpha: float
) -> LatencyDecision:
    part = launches[: look.launches]
    interval = quantile_interval(part, q, 1 - 2 * alpha)
    slack = tick_slack_ns(part)
    clock = f", clock steps of {_ms(slack)} included" if slack > 1e-3 * budget_ns else ""
    verdict = None
    if look.high is not None and look.high <= budget_ns:
        verdict = VerdictOutcome.PASS
        reason = f"{_name(q)} is at most {_ms(look.high)} of {_ms(budget_ns)}"
    elif look.low is not None and look.low > budget_ns:
        verdict = VerdictOutcome.FAIL
        reason = f"{_name(q)} is at least {_ms(look.low)} of {_ms(budget_ns)}"
    elif interval.withheld:
        reason = (
            f"the upper limit of {_name(q)} is unknown: {interval.n_eff:.0f} effective samples,"
            f" needs {interval.n_eff_needed}"
        )
    elif interval.low <= budget_ns < interval.high:
        reason = (
            f"{_name(q)} lies between {_ms(interval.low)} and {_ms(interval.high)},"
            f" the budget of {_ms(budget_ns)} within"
        )
    elif math.isinf(slack):
        reason, clock = "all samples are 0: the clock never ticked", ""
    else:
        reason = f"{_name(q)} is nearer to the budget than the clock can tell: {_ms(slack)} steps"
        clock = ""
    reason = f"{reason} after {look.launches} launches{clock}"
    return LatencyDecision(verdict, reason, look.launches, look.iterations, interval, None)


def _open(
    last: LatencyDecision | None, launches: Launches, q: float, alpha: float, following: int | None
) -> LatencyDecision:
    """Return what has not been decided: the next look, or INCONCLUSIVE where there is none."""
    verdict = VerdictOutcome.INCONCLUSIVE if following is None else None
    if last is not None:
        return LatencyDecision(
            verdict, last.reason, last.launches, last.iterations, last.interval, following
        )
    reason = f"needs {MIN_LAUNCHES} launches, has {len(launches)}"
    interval = quantile_interval(launches, q, 1 - 2 * alpha) if launches else None
    size = sum(launch.size for launch in launches)
    return LatencyDecision(verdict, reason, len(launches), size, interval, following)


def _name(q: float) -> str:
    return f"p{100 * q:g}"


def _ms(duration_ns: float) -> str:
    return f"{duration_ns / 1e6:.4g} ms"
