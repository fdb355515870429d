"""Claims held against a run: holds, does not hold, cannot be told; pure.

The rules are told in docs/explanation/claims.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchhub.model.claim import Claim, ClaimAnswer, ClaimOutcome, ClaimPart, Selector
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Results
from benchhub.results.claims.because import because
from benchhub.results.claims.candidate import Candidate, Context, Paired, Shown, absent, candidate
from benchhub.results.claims.chosen import Chosen, choose
from benchhub.results.claims.figures import ClaimFigure
from benchhub.results.claims.rows import asked_words, is_pattern, limit_words, matches
from benchhub.text import estimate, number, plural

#: What a candidate is called, by what it is one of.
_NAMES = {Grain.FILE: "variant", Grain.QUALITY: "measured variant", Grain.ROW: "cell"}


@dataclass(frozen=True, slots=True)
class _Found:
    """What follows for one part of a claim, with the figure that decides."""

    outcome: ClaimOutcome
    reason: str
    asked: str
    figure: ClaimFigure | None = None
    because: tuple[str, ...] = ()


def answer_claims(
    claims: Sequence[Claim], results: Results, paired: Paired | None = None
) -> tuple[ClaimAnswer, ...]:
    """Return the answers in the order of the claims, one for each value of their `each`.

    `paired` sets two artifacts against each other on the same cases; without it differences of
    quality take the far ends of both intervals.
    """
    context = Context(results, paired)
    return tuple(_answer(single, context) for claim in claims for single in _each(claim, results))


def _each(claim: Claim, results: Results) -> Iterator[Claim]:
    """Yield the claim, or where it has an `each` the claim for every value there is or is named."""
    if not claim.each:
        yield claim
        return
    kind = {"backend": "backends", "device": "devices", "arch": "arch", "variant": "variants"}
    field = kind[claim.each]
    named = [name for part in claim.parts for name in getattr(part.of, field)]
    values = [name for name in named if not is_pattern(name)]
    values += [
        str(getattr(row, claim.each))
        for part in claim.parts
        for row in results.rows
        if matches(row, part.of) and getattr(row, claim.each) is not None
        if row.variant != results.run.baseline
    ]
    for value in dict.fromkeys(values):
        parts = [replace(part, of=_narrowed(part.of, field, value)) for part in claim.parts]
        text = f"{claim.text} ({value})"
        yield replace(claim, id=f"{claim.id}/{value}", text=text, parts=tuple(parts), each="")
    if not values:
        yield replace(claim, each="")


def _narrowed(of: Selector, field: str, value: str) -> Selector:
    narrowed: dict[str, Any] = {field: (value,)}
    return replace(of, **narrowed)


def _answer(claim: Claim, context: Context) -> ClaimAnswer:
    found = [_part(part, context, len(claim.parts)) for part in claim.parts]
    # All parts must hold: one that does not decides, then one that cannot be told.
    deciding = min(found, key=lambda one: _GRAVEST.index(one.outcome))
    reason = deciding.reason
    if len(found) > 1:
        which = found.index(deciding) + 1
        reason = f"part {which} of {len(found)}: {reason}"
        if deciding.outcome is ClaimOutcome.HOLDS:
            said = "; ".join(f"{number}: {one.reason}" for number, one in enumerate(found, 1))
            reason = f"all parts hold; {said}"
    figure = deciding.figure
    return ClaimAnswer(
        id=claim.id,
        text=claim.text,
        source=claim.source,
        measured=figure.value if figure else None,
        low=figure.low if figure else None,
        high=figure.high if figure else None,
        verdict=deciding.outcome,
        reason=reason,
        asked=deciding.asked,
        because=deciding.because,
    )


_GRAVEST = (ClaimOutcome.FAILS, ClaimOutcome.UNTOLD, ClaimOutcome.HOLDS)


def _part(part: ClaimPart, context: Context, parts: int) -> _Found:
    chosen = choose(part, context)
    if chosen.nothing:
        return _Found(ClaimOutcome.UNTOLD, chosen.nothing, asked_words(part.ask[0]))
    those = [candidate(row, part, chosen.shape, context) for row in chosen.rows]
    those += [absent(name, why, part) for name, why in chosen.absent]
    return _Decision(part, chosen, those, parts).found(context)


@dataclass(frozen=True, slots=True)
class _Decision:
    part: ClaimPart
    chosen: Chosen
    those: Sequence[Candidate]
    parts: int

    def found(self, context: Context) -> _Found:
        outcome, one = self.decided()
        to_hold, to_fail = self.tries(one)
        mine = one.outcome(to_hold, to_fail)
        shown = one.deciding(mine, to_hold, to_fail)
        figure = shown.outcome(to_hold, to_fail)[1]
        evidence: tuple[str, ...] = ()
        if outcome is not ClaimOutcome.HOLDS and one.row is not None and figure is not None:
            evidence = because(one.row, shown.ask, context, outcome)
        reason = self.reason(outcome, one, shown, figure)
        return _Found(outcome, reason, asked_words(shown.ask), figure, evidence)

    def tries(self, one: Candidate) -> tuple[int, int]:
        """Return among how many figures those of `one` may show that it holds, or that it fails."""
        if self.part.any:
            hopeful = sum(other.tries > 0 and not other.out for other in self.those)
            return max(1, hopeful), max(1, one.tries) * self.parts
        return 1, max(1, sum(other.tries for other in self.those)) * self.parts

    def decided(self) -> tuple[ClaimOutcome, Candidate]:
        """Return the outcome, and the candidate that decides it or comes closest to."""
        by_outcome: dict[ClaimOutcome, list[Candidate]] = {name: [] for name in ClaimOutcome}
        for one in self.those:
            by_outcome[one.outcome(*self.tries(one))].append(one)
        held, failed = by_outcome[ClaimOutcome.HOLDS], by_outcome[ClaimOutcome.FAILS]
        open_ = by_outcome[ClaimOutcome.UNTOLD]
        if self.part.any:
            if held:
                return ClaimOutcome.HOLDS, max(held, key=_margin)
            if not open_:
                return ClaimOutcome.FAILS, max(failed, key=_margin)
            return ClaimOutcome.UNTOLD, max(open_, key=_margin)
        if failed:
            return ClaimOutcome.FAILS, min(failed, key=_margin)
        if not open_:
            return ClaimOutcome.HOLDS, min(held, key=_margin)
        measured = [one for one in open_ if _margin(one) > float("-inf")]
        return ClaimOutcome.UNTOLD, min(measured or open_, key=_margin)

    def reason(
        self, outcome: ClaimOutcome, one: Candidate, shown: Shown, figure: ClaimFigure | None
    ) -> str:
        """Return in words which candidate decides, by what, and what the others show."""
        limits, name = limit_words(shown.ask), _NAMES[self.chosen.shape.grain]
        if figure is None:
            return f"{one.label}: {shown.nothing}{self.others(one, outcome)}"
        seen = number(figure.value)
        if not figure.exact:
            seen = estimate(figure.value, figure.low, figure.high)
        told = f"{one.label}: {seen}{f' {figure.how}' if figure.how else ''}"
        wide = self.wide(shown, figure)
        if outcome is ClaimOutcome.HOLDS:
            first = f"{told} meets {limits}{wide}"
            return first + self.others(one, outcome)
        if outcome is ClaimOutcome.FAILS:
            first = f"{told} misses {limits}{wide}"
            if self.part.any and len(self.those) > 1:
                return f"none of {plural(len(self.those), name)} meets it; the closest is {first}"
            return first + self.others(one, outcome)
        if shown.wrong:
            return f"{one.label}: {shown.wrong}{self.others(one, outcome)}"
        return f"{told} reaches past {limits}{wide}; {_narrow(shown)}{self.others(one, outcome)}"

    def wide(self, shown: Shown, figure: ClaimFigure) -> str:
        """Return that the limits were widened, if they were."""
        if shown.figure is None or figure == shown.figure:
            return ""
        usual = estimate(shown.figure.value, shown.figure.low, shown.figure.high)
        return f" (widened for several tries; {usual} by itself)"

    def others(self, one: Candidate, outcome: ClaimOutcome) -> str:
        """Return what the other candidates show, in a few words."""
        if len(self.those) == 1:
            return ""
        name = _NAMES[self.chosen.shape.grain]
        found = [other.outcome(*self.tries(other)) for other in self.those]
        same = found.count(outcome)
        total = plural(len(self.those), name)
        verb = {
            ClaimOutcome.HOLDS: "meet it" if same > 1 else "meets it",
            ClaimOutcome.FAILS: "miss it" if same > 1 else "misses it",
            ClaimOutcome.UNTOLD: "tell nothing" if same > 1 else "tells nothing",
        }[outcome]
        said = f"; {same} of {total} {verb}"
        if outcome is not ClaimOutcome.UNTOLD:
            return said
        mine = [test.nothing for test in one.shown]
        silent = [
            f"{other.label}: {test.nothing}"
            for other, told in zip(self.those, found, strict=True)
            if other is not one and told is ClaimOutcome.UNTOLD
            for test in other.shown[:1]
            if test.nothing and test.nothing not in mine
        ]
        return said + (f", such as {silent[0]}" if silent else "")


def _margin(one: Candidate) -> float:
    return min(test.margin for test in one.shown)


def _narrow(shown: Shown) -> str:
    if QUANTITIES[shown.ask.quantity].grain is Grain.QUALITY:
        return "more cases in [scenarios.quality] would narrow it"
    return "more launches (--effort rigorous) would narrow it"
