"""One choice for several devices: the one that costs the worst-off device least; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchhub.model.scenario import VerdictOutcome
from benchhub.results.recommend.answer import Contender, Cost, DeviceAnswer, ForAll
from benchhub.results.recommend.candidates import setting
from benchhub.results.recommend.choose import MARGIN
from benchhub.results.recommend.ratios import against

_PASS, _FAIL = VerdictOutcome.PASS, VerdictOutcome.FAIL


def one_for_all(answers: Sequence[DeviceAnswer], objective: str) -> ForAll:
    """Return the setting that keeps all limits on every device and whose worst cost is least.

    The cost on a device is how many times its own best it takes. Settings whose worst cost may be
    as low are ties, or undecided where they are not known to keep all limits.
    """
    if not answers:
        return ForAll(why="no device was measured")
    missing = [one.device for one in answers if one.pick is None]
    if missing:
        names = [*missing[:3], f"{len(missing) - 3} more"] if len(missing) > 4 else missing
        return ForAll(why=f"on {', '.join(names)} nothing is known to keep all limits")
    by_setting: list[Mapping[str, Contender]] = [
        {setting(one.row): one for one in answer.candidates if one.outcome is not _FAIL}
        for answer in answers
    ]
    may = [name for name in by_setting[0] if all(name in of for of in by_setting)]
    shared = [name for name in may if all(of[name].outcome is _PASS for of in by_setting)]
    if not shared:
        why = "no setting is known to keep all limits on every device"
        return ForAll(why=why, undecided=tuple(may))
    costs = {
        name: tuple(
            _cost(answer, of[name], objective, len(may))
            for answer, of in zip(answers, by_setting, strict=True)
        )
        for name in may
    }
    chosen = min(shared, key=lambda name: _worst(costs[name]))
    high = _worst_high(costs[chosen]) / MARGIN
    near = [name for name in may if name != chosen and _worst_low(costs[name]) < high]
    return ForAll(
        chosen,
        costs[chosen],
        ties=tuple(name for name in near if name in shared),
        undecided=tuple(name for name in near if name not in shared),
    )


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
