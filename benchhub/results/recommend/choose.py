"""Which candidate to ship on one device, and what stands beside it; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from benchhub.model.asked import Budget
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Row
from benchhub.model.scenario import VerdictOutcome
from benchhub.results.recommend.answer import (
    Advice,
    Contender,
    DeviceAnswer,
    Evidence,
    Rival,
    Unseen,
)
from benchhub.results.recommend.candidates import candidates, unseen, use_of
from benchhub.results.recommend.ratios import EMULATED, against, ranked, says_nothing

#: What is not further apart than this is as good as each other.
MARGIN = 1.03
_PASS, _FAIL = VerdictOutcome.PASS, VerdictOutcome.FAIL


def choose(
    device: DeviceInfo,
    rows: Sequence[Row],
    budgets: Sequence[Budget],
    objective: str,
    among: Collection[str] = (),
) -> DeviceAnswer:
    """Return what to ship on a device, of its own rows; `among` settings, or of all there are."""
    found = candidates(rows, budgets, objective, among)
    missing = unseen(rows, budgets, objective, among)
    if not found:
        why = _nothing(device, rows, objective, missing)
        return DeviceAnswer(device.name, Advice.NOTHING, why=why, unseen=missing)
    answer = _chosen(device.name, found, objective)
    kind = NOT_ALL_SEEN.get(answer.kind) if any(one.open for one in missing) else None
    why = f"it stopped: {device.error}" if device.error else answer.why
    if answer.pick is not None and says_nothing(answer.pick.row, objective):
        why = EMULATED
    free_of = _free_of(device.name, answer.pick, budgets)
    return dataclasses.replace(
        answer, kind=kind or answer.kind, why=why, unseen=missing, free_of=free_of
    )


def _free_of(device: str, pick: Contender | None, budgets: Sequence[Budget]) -> tuple[str, ...]:
    if pick is None:
        return ()
    held = {(one.verdict.budget, one.verdict.key) for one in pick.evidence}
    return tuple(
        f"{key} of {budget.name}"
        for budget in budgets
        if not budget.devices or device in budget.devices
        for key in budget.limits
        if (budget.name, key) not in held
    )


#: What remains of an answer where something that was to be measured is not known.
NOT_ALL_SEEN = {
    Advice.SHIP: Advice.OPEN, Advice.TIE: Advice.OPEN, Advice.NONE: Advice.UNDECIDED,
}  # fmt: skip


def _chosen(device: str, found: tuple[Contender, ...], objective: str) -> DeviceAnswer:
    passing = [one for one in found if one.outcome is _PASS]
    open_still = [one for one in found if one.outcome not in (_PASS, _FAIL)]
    if not passing and not open_still:
        nearest = min(found, key=miss)
        return DeviceAnswer(device, Advice.NONE, found, nearest=nearest, why=_misses(nearest))
    if not passing:
        rivals = tuple(map(Rival, ranked(open_still, objective)))
        why = _open(rivals[0].candidate)
        return DeviceAnswer(device, Advice.UNDECIDED, found, rivals=rivals, why=why)
    tries = max(1, len(found) - 1)
    pick, held = _best_in_pairs(passing, objective, tries)
    others = [against(pick, one, objective, tries) for one in ranked(open_still, objective)]
    apart = sorted(
        (one for one in held if not _may_be_better(one)), key=lambda one: one.ratio or 0.0
    )
    ties = tuple(one for one in held if _may_be_better(one))
    rivals = tuple(one for one in others if _may_be_better(one))
    kind = Advice.OPEN if rivals else Advice.TIE if ties else Advice.SHIP
    return DeviceAnswer(device, kind, found, pick, ties, rivals, apart[0] if apart else None)


def _best_in_pairs(
    passing: Sequence[Contender], objective: str, tries: int
) -> tuple[Contender, list[Rival]]:
    """Return the best and how the others stand beside it.

    The best value, unless another is surely better in the rounds that both were launched in: where
    a device drifts, and rounds do not match, values are of different hours.
    """
    of = ranked(passing, objective)
    pick, tried = of[0], list[Contender]()
    while True:
        tried.append(pick)
        held = [against(pick, one, objective, tries) for one in of if one is not pick]
        better = [one for one in held if one.high is not None and one.high < 1 / MARGIN]
        first = min(better, key=lambda one: one.ratio or 0.0, default=None)
        if first is None or any(first.candidate is one for one in tried):
            return pick, held
        pick = first.candidate


def _may_be_better(rival: Rival) -> bool:
    """Return whether a rival may be better than the pick by more than the margin."""
    return rival.low is None or rival.low < 1 / MARGIN


def miss(candidate: Contender) -> float:
    """Return how many times its limit a candidate's worst figure is; one without a figure: inf."""
    if candidate.wrong:
        return float("inf")
    return max(_times(one) for one in candidate.evidence if one.outcome is _FAIL)


def _times(evidence: Evidence) -> float:
    of = evidence.verdict
    if of.value is None or of.limit <= 0 or of.value <= 0:
        return float("inf")
    return of.value / of.limit if of.value > of.limit else of.limit / of.value


def _misses(candidate: Contender) -> str:
    if candidate.wrong:
        return f"its outputs are wrong: {candidate.wrong}"
    worst = max((one for one in candidate.evidence if one.outcome is _FAIL), key=_times)
    return worst.verdict.reason


def _open(candidate: Contender) -> str:
    first = next(one for one in candidate.evidence if one.outcome not in (_PASS, _FAIL))
    return first.reason


def _nothing(
    device: DeviceInfo, rows: Sequence[Row], objective: str, missing: Sequence[Unseen]
) -> str:
    if device.error:
        return f"it stopped: {device.error}"
    mine = use_of(rows, objective)
    for one in missing:
        if one.row.status != "finished":
            return f"no cell finished; {one.row.variant} on {one.row.backend}: {one.why}"
    if missing:
        return missing[0].why
    if any(row.status == "finished" for row in mine):
        return "no cell has as many threads as its limits of times name, or is among the finalists"
    return f"{objective} was not measured"
