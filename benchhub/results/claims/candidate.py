"""What one candidate of a claim shows: its figures, held to limits, or why it shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from benchhub.model.cell import Variant
from benchhub.model.claim import Ask, ClaimOutcome, ClaimPart
from benchhub.model.flag import OF_ANSWERS
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Results, Row
from benchhub.results.claims import figures
from benchhub.results.claims.figures import ClaimFigure, Nothing
from benchhub.results.claims.rows import Shape, is_wrong, label, selector_words, set_against


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing asked of a candidate: its figure, or why there is none.

    `wrong` says why the figure can miss limits but not keep them.
    """

    ask: Ask
    figure: ClaimFigure | None
    nothing: str = ""
    wrong: str = ""

    @property
    def tried(self) -> bool:
        """Whether it is a measurement, which chance may favour."""
        return self.figure is not None and not self.figure.exact

    def outcome(self, to_hold: int, to_fail: int) -> tuple[ClaimOutcome, ClaimFigure | None]:
        """Return what follows as one of so many figures that may decide, and the limits used."""
        if self.figure is None:
            return ClaimOutcome.UNTOLD, None
        kept, missed = self.figure.widened(to_hold), self.figure.widened(to_fail)
        if _outside(missed, self.ask):
            return ClaimOutcome.FAILS, missed
        if _within(kept, self.ask) and not self.wrong:
            return ClaimOutcome.HOLDS, kept
        # What would decide by itself is shown as wide as it is taken.
        alone = _within(self.figure, self.ask) or _outside(self.figure, self.ask)
        return ClaimOutcome.UNTOLD, max(kept, missed, key=_width) if alone else self.figure

    @property
    def margin(self) -> float:
        """How far inside of its limits the figure lies, as a share of them; below 0: outside."""
        if self.figure is None:
            return float("-inf")
        ends = [end for end in (self.ask.at_least, self.ask.at_most) if end is not None]
        size = max(map(abs, ends)) or 1.0
        value = self.figure.value
        rooms = []
        if self.ask.at_least is not None:
            rooms.append(value - self.ask.at_least)
        if self.ask.at_most is not None:
            rooms.append(self.ask.at_most - value)
        return min(rooms) / size


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that a claim is about, and what it shows for each thing asked."""

    label: str
    row: Row | None
    shown: tuple[Shown, ...]

    @property
    def tries(self) -> int:
        """How many of its figures are measurements."""
        return sum(one.tried for one in self.shown)

    @property
    def out(self) -> bool:
        """Whether an exact figure misses its limits: chance has no part in that."""
        return any(
            one.figure is not None and one.figure.exact and _outside(one.figure, one.ask)
            for one in self.shown
        )

    def outcome(self, to_hold: int, to_fail: int) -> ClaimOutcome:
        """Return what follows for this candidate: it must meet all that is asked."""
        found = {one.outcome(to_hold, to_fail)[0] for one in self.shown}
        if ClaimOutcome.FAILS in found:
            return ClaimOutcome.FAILS
        return ClaimOutcome.UNTOLD if ClaimOutcome.UNTOLD in found else ClaimOutcome.HOLDS

    def deciding(self, outcome: ClaimOutcome, to_hold: int, to_fail: int) -> Shown:
        """Return the first thing asked that makes its outcome what it is."""
        return next(one for one in self.shown if one.outcome(to_hold, to_fail)[0] is outcome)


Paired = Callable[[Row, Row, str], ClaimFigure | None]


@dataclass(frozen=True, slots=True)
class Context:
    """The run that a claim is held against.

    `paired` returns the loss of a row's artifact against another's on the same cases, by a metric
    ("" for the first), or None where it cannot.
    """

    results: Results
    paired: Paired | None = None

    @property
    def variants(self) -> Mapping[str, Variant]:
        """The run's variants by name."""
        return {variant.name: variant for variant in self.results.variants}

    @property
    def devices(self) -> int:
        """How many devices it has rows of."""
        return len({row.device for row in self.results.rows})

    def figure(self, row: Row, ask: Ask) -> ClaimFigure | Nothing:
        """Return the quantity of one row."""
        grain = QUANTITIES[ask.quantity].grain
        if grain is Grain.QUALITY:
            return figures.of_quality(row, ask)
        if grain is Grain.ROW:
            return figures.of_row(row, ask)
        known = self.variants
        variant = known.get(row.variant)
        if variant is None:
            return Nothing(f"{row.variant} is not among the run's variants")
        base = known.get(variant.against or "", known.get(self.results.run.baseline))
        return figures.of_file(variant, base, ask.quantity)


def candidate(row: Row, part: ClaimPart, shape: Shape, context: Context) -> Candidate:
    """Return what the row stands for, with what it shows for each thing asked of it."""
    shown = [one for ask in part.ask for one in _shown(row, ask, part, shape, context)]
    return Candidate(label(row, shape.grain, context.devices), row, tuple(shown))


def absent(name: str, why: str, part: ClaimPart) -> Candidate:
    """Return a candidate that the claim names and the run has nothing of."""
    return Candidate(name, None, (Shown(part.ask[0], None, nothing=why),))


def _shown(row: Row, ask: Ask, part: ClaimPart, shape: Shape, context: Context) -> Iterator[Shown]:
    wrong = is_wrong(row, QUANTITIES[ask.quantity].grain, context.results.rows)
    selector = ask.over or ask.minus
    if selector is None:
        yield _one(ask, _sound(row, ask, part, context), wrong)
        return
    others = set_against(row, selector, context.results.rows, shape)
    real = [other for other in others if not (shape.real_only and other.emulated)]
    if not others:
        why = f"no row of {selector_words(selector)} to set it against in this run"
        yield Shown(ask, None, nothing=why)
    for other in real or others:
        mine, theirs = (_sound(one, ask, part, context) for one in (row, other))
        if isinstance(theirs, Nothing):
            name = label(other, shape.grain, context.devices)
            theirs = Nothing(f"{name}, which it is set against: {theirs.reason}")
        combined = figures.over if ask.over is not None else figures.minus
        found = combined(mine, theirs)
        if isinstance(found, ClaimFigure):
            found = _paired(row, other, ask, context) or found
        yield _one(ask, found, wrong)


def _paired(row: Row, other: Row, ask: Ask, context: Context) -> ClaimFigure | None:
    """Return the difference of two qualities on the same cases, where it is that; else None.

    Losses of other devices or backends refer to other baselines.
    """
    if ask.minus is None or ask.quantity not in ("quality", "quality_loss"):
        return None
    if context.paired is None or (row.device, row.backend) != (other.device, other.backend):
        return None
    loss = context.paired(row, other, ask.metric)
    if loss is None or ask.quantity == "quality_loss":
        return loss
    known = row.quality_also.get(ask.metric) or row.quality
    if known is None:
        return None
    return (
        loss
        if not known.higher_is_better
        else replace(loss, value=-loss.value, low=-loss.high, high=-loss.low)
    )


def _one(ask: Ask, figure: ClaimFigure | Nothing, wrong: str) -> Shown:
    if isinstance(figure, Nothing):
        return Shown(ask, None, nothing=figure.reason)
    return Shown(ask, figure, wrong=wrong)


def _sound(row: Row, ask: Ask, part: ClaimPart, context: Context) -> ClaimFigure | Nothing:
    """Return a figure that may be counted on, or what is the matter with it."""
    quantity = QUANTITIES[ask.quantity]
    if row.status != "finished":
        return Nothing(f"the cell is {row.status}: {row.reason or 'no reason recorded'}")
    if quantity.grain is Grain.ROW and row.emulated:
        what = "times" if quantity.timing else "memory"
        return Nothing(f"{row.device} is emulated: its {what} say nothing about a real device")
    if quantity.timing:
        doubts = [f"{flag.name}: {flag.evidence}" for flag in row.flags if flag.caps_times]
        if doubts:
            return Nothing("; ".join(doubts))
    if quantity.grain is Grain.QUALITY and row.quality is not None:
        first = ask.metric in ("", row.quality.metric)
        lost = ask.quantity != "quality" and first  # below chance no loss is known
        unlike = [
            flag
            for flag in row.flags
            if (flag.caps and flag.name in OF_ANSWERS) or (lost and flag.caps_quality)
        ]
        if unlike:
            return Nothing("; ".join(f"{flag.name}: {flag.evidence}" for flag in unlike))
        cases = row.quality.cases
        if cases < part.min_cases:
            return Nothing(f"quality of {cases} cases, and the claim asks for {part.min_cases}")
    return context.figure(row, ask)


def _within(figure: ClaimFigure, ask: Ask) -> bool:
    return (ask.at_least is None or figure.low >= ask.at_least) and (
        ask.at_most is None or figure.high <= ask.at_most
    )


def _outside(figure: ClaimFigure, ask: Ask) -> bool:
    return (ask.at_least is not None and figure.high < ask.at_least) or (
        ask.at_most is not None and figure.low > ask.at_most
    )


def _width(figure: ClaimFigure) -> float:
    return figure.high - figure.low
