"""The line of a device: its pick, what that is held to, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.report.answer.figures import HeldFigure, loss, memory, speedup, timed
from benchhub.report.recommend.words import (
    beside,
    headline,
    held,
    next_steps,
    unseen,
    value,
    word,
)
from benchhub.report.tables.emulated import emulation_words
from benchhub.results.recommend.answer import (
    Advice,
    Contender,
    DeviceAnswer,
    Recommendation,
    Rival,
)
from benchhub.results.recommend.candidates import setting
from benchhub.text import plural

#: More than so many candidates beside the pick are counted, not told.
MOST_BESIDE = 4
#: How an answer is coloured, where there were limits.
MARKS = {
    Advice.SHIP: "pass", Advice.TIE: "pass", Advice.OPEN: "inconclusive",
    Advice.UNDECIDED: "inconclusive", Advice.NONE: "fail", Advice.NOTHING: "fail",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NextStep:
    """What would tell more: a command to type, or an order; and what is to be said beside it."""

    text: str
    beside: str = ""

    @property
    def typed(self) -> bool:
        """Whether it is a command."""
        return self.text.startswith("benchhub ")


@dataclass(frozen=True, slots=True)
class LimitHeld:
    """A limit that a candidate was held to, and what came of it."""

    outcome: str
    said: str


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What is recommended on one device, in the words of every form of a recommendation.

    `figures` are time, speed-up, loss and memory of what is `shown`: the pick, or else the nearest
    or first candidate; None: there is none. `beside` is the runner-up, or what ties or may be
    better, and `doubts` what stands against the answer.
    """

    device: str
    emulation: str
    kind: Advice
    word: str
    mark: str
    said: str
    shown: Contender | None
    figures: tuple[HeldFigure, HeldFigure, HeldFigure, HeldFigure] | None
    measured: str
    limits: tuple[LimitHeld, ...]
    beside_head: str
    beside: tuple[str, ...]
    doubts: tuple[str, ...]
    steps: tuple[NextStep, ...]

    @property
    def setting(self) -> str:
        """What is shown, in words; empty: nothing."""
        return setting(self.shown.row) if self.shown else ""


def device_line(
    of: DeviceAnswer, whole: Recommendation, result: Results, info: DeviceInfo | None
) -> AnswerLine:
    """Return the line of a device that a run has an answer on."""
    shown = of.pick or of.nearest or (of.rivals[0].candidate if of.rivals else None)
    rows = [row for row in result.rows if row.device == of.device]
    head, others = _beside(of, whole)
    suite = result.run.suite if result.run.kind == "suite" else ""
    steps = (_step(one) for one in next_steps(of, suite))
    return AnswerLine(
        of.device,
        emulation_words(info) if info is not None else "",
        of.kind,
        word(of, whole),
        MARKS[of.kind] if whole.limits or of.pick is None else "",
        headline(of),
        shown,
        _figures(shown, rows),
        _measured(shown, of, whole),
        tuple(_limits(shown)),
        head,
        tuple(others),
        tuple(_doubts(of, whole)),
        tuple(steps),
    )


def _figures(
    shown: Contender | None, rows: Sequence[Row]
) -> tuple[HeldFigure, HeldFigure, HeldFigure, HeldFigure] | None:
    if shown is None:
        return None
    return timed(shown), speedup(shown), loss(shown, rows), memory(shown, rows)


def _measured(shown: Contender | None, of: DeviceAnswer, whole: Recommendation) -> str:
    if shown is None:
        return ""
    return f"{value(shown, whole.objective)}, of {len(of.candidates)} that were looked at"


def _limits(of: Contender | None) -> Iterator[LimitHeld]:
    for one in of.by_limit if of is not None else ():
        why = "" if one.outcome.value == "PASS" else f": {one.reason}"
        yield LimitHeld(one.outcome.value, f"{held(one, of)}{why}")  # type: ignore[arg-type]


def _beside(of: DeviceAnswer, whole: Recommendation) -> tuple[str, list[str]]:
    """Return what else there is to be said of, and each of it, the first few."""
    rivals = of.rivals if of.pick is not None else of.rivals[1:]
    if of.pick is not None and rivals:
        return "may be better, and may keep all limits", _some(rivals, whole)
    if rivals:
        return "the others that may keep all limits", _some(rivals, whole)
    if of.ties:
        return f"as good, as far as can be told (to {whole.margin - 1:.0%})", _some(of.ties, whole)
    if of.runner_up is not None:
        return "runner-up", [beside(of.runner_up, whole.objective)]
    return "", []


def _some(rivals: Sequence[Rival], whole: Recommendation) -> list[str]:
    told = [beside(one, whole.objective) for one in rivals]
    if len({one.doubt for one in rivals}) == 1 and rivals[0].doubt:  # said once, of the device
        told = [setting(one.candidate.row) for one in rivals]
    more = [f"and {len(told) - MOST_BESIDE} more"] if len(told) > MOST_BESIDE else []
    return [*told[:MOST_BESIDE], *more]


def _doubts(of: DeviceAnswer, whole: Recommendation) -> Iterator[str]:
    if of.pick is not None and whole.limits and not of.pick.evidence:
        yield "no limit is about it"
    elif of.free_of:
        yield f"not held to {', '.join(of.free_of)}: about others"
    if of.kind is not Advice.NOTHING and of.why:
        yield of.why
    if of.unseen and of.kind is not Advice.NOTHING:
        first = "; ".join(unseen(one) for one in of.unseen[:2])
        more = f"; and {len(of.unseen) - 2} more" if len(of.unseen) > 2 else ""
        yield f"{plural(len(of.unseen), 'cell')} not looked at: {first}{more}"


def _step(said: str) -> NextStep:
    command, _, more = said.partition("  (")
    return NextStep(command, more.rstrip(")")) if more else NextStep(said)
