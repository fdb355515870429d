"""The last table of a report: what papers claim, what was measured here, and what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchhub.model.claim import ClaimAnswer, ClaimOutcome
from benchhub.model.row import Results
from benchhub.report.lines import Line, wrapped
from benchhub.report.tables.table import Column, Table, TableCell, text
from benchhub.text import estimate, number

CAPTION = "Claims, and what was measured here"
BECAUSE = "Why claims do not hold here, or cannot be told"

#: A verdict, and how cells of tables that say it are marked.
MARKS = {
    ClaimOutcome.HOLDS: "pass",
    ClaimOutcome.FAILS: "fail",
    ClaimOutcome.UNTOLD: "inconclusive",
}
_COUNTED = {
    ClaimOutcome.HOLDS: ("holds", "hold"),
    ClaimOutcome.FAILS: ("does not hold", "do not hold"),
    ClaimOutcome.UNTOLD: ("cannot be told", "cannot be told"),
}


@dataclass(frozen=True, slots=True)
class Why:
    """A claim with the lines of evidence that the run has about it."""

    head: str
    lines: tuple[str, ...]


def claims(results: Sequence[Results]) -> Table:
    """Every claim of every run, in the suite's order; without any, a table without rows."""
    several = len(results) > 1
    heads = (*(("Run",) if several else ()), "Claim", "Measured here", "Verdict", "Why")
    rows = [
        (*((text(result.run.id),) if several else ()), *_cells(answer))
        for result in results
        for answer in result.claims
    ]
    return Table("claims", CAPTION, tuple(Column(head) for head in heads), tuple(rows))


def _cells(answer: ClaimAnswer) -> tuple[TableCell, ...]:
    return (
        TableCell(answer.text, below=answer.source),
        TableCell(seen(answer), answer.measured, below=answer.asked),
        TableCell(answer.verdict.value, list(MARKS).index(answer.verdict), MARKS[answer.verdict]),
        text(answer.reason),
    )


def seen(answer: ClaimAnswer) -> str:
    """The deciding figure with its interval; `not measured` where there is none."""
    if answer.measured is None:
        return "not measured"
    if answer.low == answer.high == answer.measured:
        return f"{number(answer.measured)} (exact)"
    return estimate(answer.measured, answer.low, answer.high)


def because(results: Sequence[Results]) -> list[Why]:
    """The evidence, of the claims that have some."""
    several = len(results) > 1
    return [
        Why(f"{answer.text}{f', run {result.run.id}' if several else ''}", answer.because)
        for result in results
        for answer in result.claims
        if answer.because
    ]


def tally(results: Sequence[Results]) -> str:
    """How many claims hold, do not hold and cannot be told; empty where there are none."""
    found = Counter(answer.verdict for result in results for answer in result.claims)
    said = [
        f"{found[outcome]} {words[found[outcome] != 1]}"
        for outcome, words in _COUNTED.items()
        if found[outcome]
    ]
    return f"Claims: {', '.join(said)}." if said else ""


def lines(answers: Sequence[ClaimAnswer], width: int) -> Iterator[Line]:
    """Yield what a terminal of `width` columns shows; a line's style is a verdict at its start."""
    for answer in answers:
        word = f"{answer.verdict.value:<15}"
        told = f"{word}{answer.text} ({answer.source})"
        yield from wrapped(told, width, answer.verdict.value, " " * 15)
        said = seen(answer) + (f", asked: {answer.asked}" if answer.asked else "")
        for label, line in (("here", said), ("why", answer.reason)):
            yield from wrapped(f"{' ' * 15}{label:<6}{line}", width, "", " " * 21)
        for line in answer.because:
            yield from wrapped(f"{' ' * 21}{line}", width, "dim", " " * 21)
