"""How far a metric of a cell moved between two runs, and what may be said of it; pure.

Launches of two runs shared no round, so they are not paired: see `stats.unpaired`. Quality is: both
runs answered the same cases.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchhub.errors import MissingExtra
from benchhub.model.flag import OF_ANSWERS, WRONG_OUTPUTS
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.quantities import Quantity
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.results.compare.metrics import compared_in, taken, values
from benchhub.results.compare.read_alike import in_place, read_otherwise
from benchhub.results.rows.quality.answered import all_rounded, answers
from benchhub.results.rows.quality.assess import assess
from benchhub.results.rows.quality.outputs_read import compared
from benchhub.stats.bootstrap import Limits
from benchhub.stats.many import benjamini_hochberg, holm
from benchhub.stats.unpaired import unpaired_ratio

#: Family-wise level of the list that blocks, and false discovery rate of the one that names.
ALPHA, Q = 0.05, 0.10
#: How many standard errors a 95 % interval of what is normal reaches to either side.
_NORMAL = 1.959964


class Change(enum.StrEnum):
    """What became of a metric. NO_WORSE: any worsening is within the margin, better is open."""

    REGRESSED = "regressed"
    NOT_COMPARABLE = "not comparable"
    INCONCLUSIVE = "inconclusive"
    NO_WORSE = "no worse"
    EQUIVALENT = "unchanged"
    IMPROVED = "improved"


@dataclass(frozen=True, slots=True)
class Margins:
    """What is too little to matter: a share of a metric, and points of quality."""

    share: float = 0.03
    quality: float = 0.01


@dataclass(frozen=True, slots=True)
class Move:
    """One metric of one cell. `effect` is after / before (of quality: the loss, a difference).

    `before` and `after` are medians over launches in `unit`, geometric means where the effect is
    their ratio. `p_value` is two-sided and of this
    move alone; `holm` and `q_value` count all moves of the comparison. None: not computed.
    """

    metric: str
    unit: str
    change: Change
    reason: str
    before: float | None = None
    after: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    launches_before: int = 0
    launches_after: int = 0
    more_is_better: bool = False
    p_value: float | None = None
    holm: float | None = None
    q_value: float | None = None

    @property
    def difference(self) -> bool:
        """Whether `effect` is a difference rather than a ratio."""
        return self.metric == "quality"

    @property
    def worsening(self) -> tuple[float, float, float]:
        """Return estimate, best and worst of how much worse it got: 0.05 is 5 % (or 0.05)."""
        effect, low, high = self.effect or 0.0, self.low or 0.0, self.high or 0.0
        if self.difference:
            return effect, low, high
        if self.more_is_better:
            effect, low, high = 1 / effect, 1 / high, 1 / low
        return effect - 1, low - 1, high - 1

    @property
    def named(self) -> bool:
        """Whether it is among the movers, of which a tenth is expected to be none."""
        return self.q_value is not None and self.q_value <= Q


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """A cell in one run: its row, its finished launches, and what its outputs are judged by."""

    row: Row
    launches: tuple[Launch, ...]
    answer_key: AnswerKey | None = None
    metric: Metric | None = None


def moves(
    before: ComparedCell,
    after: ComparedCell,
    obstacles: Sequence[str],
    of_time: Sequence[str],
    of_quality: Sequence[str],
) -> tuple[Move, ...]:
    """Return the moves of a cell, not yet decided: `decided` does that for all cells together.

    `obstacles` forbid every comparison, `of_time` and `of_quality` those of these metrics too.
    """  # fmt: skip
    wrong = _wrong(before.row), _wrong(after.row)
    found: list[Move] = []
    outputs = partial(
        Move, "outputs", "",
        launches_before=len(before.launches), launches_after=len(after.launches),
    )  # fmt: skip
    if wrong[1] and not obstacles:
        change = Change.INCONCLUSIVE if wrong[0] else Change.REGRESSED
        found.append(outputs(change, f"outputs are garbage: {wrong[1]}"))
    elif wrong[0] and not obstacles:
        found.append(outputs(Change.IMPROVED, f"no longer garbage: {wrong[0]}"))
    if wrong[0] or wrong[1]:
        obstacles = (*obstacles, f"outputs are garbage {'before' if wrong[0] else 'after'}")
    sides = [taken(side.launches, after.row.scenario) for side in (before, after)]
    for quantity in compared_in(after.row.scenario):
        against = (*obstacles, *(of_time if quantity.timing else ()))
        told = [values(quantity, side) for side in sides]
        found += _move(quantity, told, (before.row, after.row), against)
    if after.row.scenario == Scenario.QUALITY:
        found.append(_quality(before, after, (*obstacles, *of_quality)))
    return tuple(found)


def decided(found: Sequence[Move], margins: Margins) -> tuple[Move, ...]:
    """Return the moves with what may be said of each, given all that were compared.

    REGRESSED: worse by the margin or more, and beyond doubt among all of them together (Holm,
    alpha = .05). IMPROVED: better by the margin or more, among the movers (Benjamini-Hochberg, q =
    .10). EQUIVALENT and NO_WORSE: the 95 % interval keeps within the margin.
    """
    tested = [index for index, move in enumerate(found) if move.p_value is not None]
    p_values = [p for index in tested if (p := found[index].p_value) is not None]
    strict = dict(zip(tested, holm(p_values).tolist(), strict=True))
    loose = dict(zip(tested, benjamini_hochberg(p_values).tolist(), strict=True))
    return tuple(
        _decided(dataclasses.replace(move, holm=strict[i], q_value=loose[i]), margins, len(tested))
        if i in strict
        else move
        for i, move in enumerate(found)
    )


def _move(
    quantity: Quantity, told: Sequence[list[float]], rows: tuple[Row, Row], obstacles: Sequence[str]
) -> Iterator[Move]:
    old, new = told
    if not old and not new:
        return  # a device without that counter
    move = Move(
        quantity.name, quantity.unit, Change.INCONCLUSIVE, "",
        before=statistics.median(old) if old else None,
        after=statistics.median(new) if new else None,
        launches_before=len(old), launches_after=len(new), more_is_better=quantity.more_is_better,
    )  # fmt: skip
    if obstacles:
        yield _not(move, obstacles)
        return
    if not old or not new:
        which = "before" if not old else "after"
        yield dataclasses.replace(move, reason=f"not measured in the run {which}")
        return
    if min(*old, *new) <= 0:
        yield dataclasses.replace(move, reason="0 in some launch: the clock is too coarse")
        return
    moved = unpaired_ratio(new, old)
    if moved.ratio.method != "rank-sum":
        means = (statistics.geometric_mean(side) for side in (old, new))
        move = dataclasses.replace(move, before=next(means), after=next(means))
    move = dataclasses.replace(
        move, effect=moved.ratio.estimate, low=moved.ratio.low, high=moved.ratio.high,
        method=moved.ratio.method,
    )  # fmt: skip
    if doubts := _doubts(quantity, *rows):
        yield dataclasses.replace(
            move, reason=f"disturbed, {doubts}; quiet the device and measure again"
        )
    elif moved.ratio.low is None:
        yield dataclasses.replace(move, reason="one launch says nothing of others: measure more")
    else:
        yield dataclasses.replace(move, p_value=moved.p_value)


def _quality(before: ComparedCell, after: ComparedCell, obstacles: Sequence[str]) -> Move:
    name = after.row.quality.metric if after.row.quality else "quality"
    move = Move(
        "quality", name, Change.INCONCLUSIVE, "", before.row["quality"].value,
        after.row["quality"].value,
        launches_before=len(before.launches), launches_after=len(after.launches),
    )  # fmt: skip
    one, other = before.answer_key, after.answer_key
    if obstacles:
        return _not(move, obstacles)
    if one is None or other is None or after.metric is None:
        return dataclasses.replace(move, reason="no cases to judge by are stored")
    judged = (one.metric, one.predict) == (other.metric, other.predict)
    if not judged or one.ids != other.ids or not _alike(one, other):
        return _not(move, ("other cases, labels or another metric",))
    for when, row in (("before", before.row), ("after", after.row)):
        if withheld := row["quality"].withheld:
            return dataclasses.replace(move, reason=f"quality {when} is not told: {withheld}")
    mine = one.readings.get(one.metric)
    theirs = other.readings.get(other.metric)
    if otherwise := read_otherwise(mine, theirs, after.metric):
        return _not(move, (f"outputs or labels are read otherwise: {otherwise}",))
    old, new = (
        next((launch for launch in side.launches if answers(launch, answer_key)), None)
        for side, answer_key in ((before, one), (after, other))
    )
    if old is None or new is None:
        return dataclasses.replace(move, reason="no outputs are stored")
    # Predictions are too coarse to tell rounding from another function; raw outputs are not.
    after_raw, before_raw = (compared(launch.outputs, one) for launch in (new, old))
    same = all_rounded(after_raw, before_raw, compared(one.spreads, one)) if one.predict else None
    try:
        given = in_place(answers(old, one), mine, theirs)
        told = assess(answers(new, other), other, after.metric, given, same=same)
    except (MissingExtra, ValueError) as error:
        return dataclasses.replace(move, reason=f"quality cannot be judged: {error}")
    move = dataclasses.replace(
        move, before=told.baseline, after=told.value, effect=told.loss.estimate,
        low=told.loss.low, high=told.loss.high, method=told.method,
    )  # fmt: skip
    if not math.isfinite(told.loss.high - told.loss.low):
        move = dataclasses.replace(move, low=None, high=None)
        return dataclasses.replace(move, reason="the interval of the loss is unknown: more cases")
    return dataclasses.replace(move, p_value=_p_value(told.loss))


def _p_value(loss: Limits) -> float:
    """Return the two-sided p-value of no loss: .05 where an end of the interval is 0."""
    from scipy.special import ndtr

    if loss.estimate == 0:
        return 1.0
    reach = loss.estimate - (loss.low if loss.estimate > 0 else loss.high)
    if reach == 0:  # every case loses as much
        return 0.0
    return min(1.0, 2 * float(ndtr(-abs(loss.estimate / reach) * _NORMAL)))


def _alike(one: AnswerKey, other: AnswerKey) -> bool:
    same_shape = one.labels.shape == other.labels.shape
    return same_shape and bool((one.labels == other.labels).all()) and one.groups == other.groups


def _not(move: Move, obstacles: Sequence[str]) -> Move:
    why = "; ".join(dict.fromkeys(obstacles))
    return dataclasses.replace(move, change=Change.NOT_COMPARABLE, reason=why)


def _wrong(row: Row) -> str:
    return "; ".join(flag.evidence for flag in row.flags if flag.name in WRONG_OUTPUTS)


def _doubts(quantity: Quantity, before: Row, after: Row) -> str:
    if not quantity.timing:
        return ""
    said = [
        f"{flag.name} {when}: {flag.evidence}"
        for when, row in (("before", before), ("after", after))
        for flag in row.flags
        if flag.caps_times and flag.name not in WRONG_OUTPUTS | OF_ANSWERS
    ]
    return "; ".join(said)


def _decided(move: Move, margins: Margins, among: int) -> Move:
    margin = margins.quality if move.difference else margins.share
    shown = f"{margin:g}" if move.difference else f"{100 * margin:g} %"
    worse, best, worst = move.worsening
    of = f"among {among} comparisons" if among > 1 else "on its own"
    if worse >= margin and best > 0 and (move.holm or 0.0) <= ALPHA:
        why = f"worse by {shown} or more, beyond doubt {of} (Holm p = {move.holm:.2g})"
        return dataclasses.replace(move, change=Change.REGRESSED, reason=why)
    if worse <= -margin and worst < 0 and move.named:
        why = f"better by {shown} or more {of} (false discovery rate {move.q_value:.2g})"
        return dataclasses.replace(move, change=Change.IMPROVED, reason=why)
    if worst < margin:
        both = best > -margin
        change = Change.EQUIVALENT if both else Change.NO_WORSE
        why = f"{'within' if both else 'worse by less than'} {shown}"
        return dataclasses.replace(move, change=change, reason=why)
    more = "measure both again with more launches, or side by side with `benchhub ab`"
    if move.difference:
        more = "measure both with more cases"
    if move.named and worse > 0:
        why = f"likely worse (false discovery rate {move.q_value:.2g}), not beyond doubt {of}"
    else:
        why = f"the interval reaches past {shown}"
    return dataclasses.replace(move, reason=f"{why}; {more}")
