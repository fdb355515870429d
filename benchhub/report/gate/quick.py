"""That a quick run cannot decide, and what to type for one that can; pure."""

from __future__ import annotations

import re

from benchhub.model.asked import EFFORTS
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.row import Verdict
from benchhub.model.scenario import VerdictOutcome
from benchhub.report.gate.again import again_told
from benchhub.results.load import Judged
from benchhub.text import plural

_QUICK = EFFORTS["quick"]
#: How a verdict's next step says that another effort makes enough launches.
_RUN_WITH = re.compile(r"\brun with --effort (\w+)")


def effort_that_can(judged: Judged) -> str:
    """Return the effort that makes enough launches where quick did not; empty if that is not so."""
    wanted = {_effort(verdict) for verdict in _too_few(judged)}
    return next((name for name in reversed(EFFORTS) if name in wanted), "")


def quick_cannot(judged: Judged) -> str:
    """Return in one line why a quick run does not decide, and what to type; empty if it does."""
    effort = effort_that_can(judged)
    if not effort:
        return ""
    wants = {verdict.key: _least(verdict) for verdict in _too_few(judged)}
    keys = sorted(wants, key=lambda key: -wants[key])
    told = f"{keys[0]} takes {plural(wants[keys[0]], 'launch')}"
    told += "".join(f", {key} {wants[key]}" for key in keys[1:3])
    return (
        f"quick cannot decide: {told}, and quick makes {_QUICK.launches}; type"
        f" {again_told(judged.results.run, effort)}"
    )


def _too_few(judged: Judged) -> list[Verdict]:
    run = judged.results.run
    if run.effort != _QUICK.name or not run.kind.resumable:
        return []
    return [
        verdict
        for verdict in judged.verdicts
        if verdict.outcome is VerdictOutcome.INCONCLUSIVE
        if 0 < verdict.launches < _least(verdict) and _effort(verdict)
    ]


def _least(verdict: Verdict) -> int:
    return BUDGET_KEYS[verdict.key][0].min_launches


def _effort(verdict: Verdict) -> str:
    found = _RUN_WITH.search(verdict.next_step)
    return found[1] if found else ""
