"""One choice for several devices: the one that costs the worst-off device least; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchhub.model.scenario import VerdictOutcome
from benchhub.results.recommend.answer import Contender, Cost, DeviceAnswer, ForAll
from benchhub.results.recommend.candidates import setting
from benchhub.results.recommend.choose import MARGIN
from benchhub.results.recommend.ratios import against


def one_for_all(answers: Sequence[DeviceAnswer], objective: str) -> ForAll:
    """Return the setting that keeps all limits on every device and whose worst cost is least.

    The cost on a device is how many times its own best it takes. Settings whose worst cost may be
    as low are ties.
    """
    if not answers:
        return ForAll(why="no device was measured")
    missing = [one.device for one in answers if one.pick is None]
    if missing:
        names = [*missing[:3], f"{len(missing) - 3} more"] if len(missing) > 4 else missing
        return ForAll(why=f"on {', '.join(names)} nothing is known to keep all limits")
    by_setting: list[Mapping[str, Contender]] = [
        {setting(one.row): one for one in answer.candidates if one.outcome is VerdictOutcome.PASS}
        for answer in answers
    ]
    shared = [name for name in by_setting[0] if all(name in one for one in by_setting)]
    undecided = _undecided(answers, shared)
    if not shared:
        return ForAll(
            why="no setting is known to keep all limits on every device", undecided=undecided
        )
    costs = {
        name: tuple(
            _cost(answer, of[name], objective, len(shared))
            for answer, of in zip(answers, by_setting, strict=True)
        )
        for name in shared
    }
    chosen = min(shared, key=lambda name: _worst(costs[name]))
    ties = [
        name
        for name in shared
        if name != chosen and _worst_low(costs[name]) < _worst_high(costs[chosen]) / MARGIN
    ]
    return ForAll(chosen, costs[chosen], tuple(ties), undecided=undecided)


def _undecided(answers: Sequence[DeviceAnswer], shared: Sequence[str]) -> tuple[str, ...]:
    """Return the settings that may keep all limits on every device, and are not known to."""
    may = [
        [setting(one.row) for one in of.candidates if one.outcome is not VerdictOutcome.FAIL]
        for of in answers
    ]
    return tuple(name for name in may[0] if name not in shared and all(name in of for of in may))


def _cost(answer: DeviceAnswer, one: Contender, objective: str, tries: int) -> Cost:
    own = answer.pick
    assert own is not None
    if own is one:
        return Cost(answer.device, one, own, 1.0, 1.0, 1.0)
    found = against(own, one, objective, tries)
    return Cost(answer.device, one, own, found.ratio, found.low, found.high)


def _worst(costs: Sequence[Cost]) -> float:
    return max(one.ratio if one.ratio is not None else float("inf") for one in costs)


def _worst_low(costs: Sequence[Cost]) -> float:
    return max(one.low if one.low is not None else 0.0 for one in costs)


def _worst_high(costs: Sequence[Cost]) -> float:
    return max(one.high if one.high is not None else float("inf") for one in costs)
