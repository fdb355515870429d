"""Pairs of launches of two models, and what they decide so far; pure."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.arrays import Array
from benchhub.model.request import ABRequest
from benchhub.stats.paired_ab import ABDecision, paired_ab_look
from benchhub.stats.samples import Launches
from benchhub.stats.warmup import warmup_cut


def look(
    a_ns: Sequence[Array], b_ns: Sequence[Array], request: ABRequest, final: bool
) -> tuple[ABDecision, int]:
    """Return what the pairs so far decide, and how many iterations were dropped as warm-up.

    The same cut holds for both sides and all launches. `final`: no more pairs come.
    """
    pairs = min(len(a_ns), len(b_ns))
    a, b = list(a_ns[:pairs]), list(b_ns[:pairs])
    drop = max((warmup_cut(side).drop for side in (a, b) if side), default=0)
    if any(launch.size <= drop for launch in (*a, *b)):
        drop = 0
    decision = paired_ab_look(
        _without(a, drop),
        _without(b, drop),
        delta_min=request.delta / 2,
        delta=request.delta,
        primary=request.statistic,
        final=final,
    )
    return decision, drop


def _without(launches: Launches, drop: int) -> Launches:
    return [launch[drop:] for launch in launches]
