"""Whether a report was replicated, for a terminal: the answer, what is compared, what did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from benchhub.report.lines import Line, wrapped
from benchhub.results.replicate.answer import (
    FigureLimits,
    Replicated,
    ReplicatedFigure,
    ReplicatedRow,
    Replication,
)
from benchhub.results.replicate.claims import where
from benchhub.results.replicate.figures import ANYWHERE
from benchhub.text import estimate, moment, plural

#: So many of one kind are listed; all are in `--json`.
MOST = 6
#: Of what is not replicated so many are.
LISTED = 20
WORDS = {
    Replicated.NOT: "NOT REPLICATED", Replicated.UNTOLD: "CANNOT BE TOLD",
    Replicated.REPLICATED: "REPLICATED",
}  # fmt: skip
_INDENT = "    "
One = TypeVar("One")


def answer(of: Replication) -> str:
    """Return the answer in a sentence."""
    run = of.theirs.run
    here = f"run {of.ours.run.id} here" if of.ours else "nothing that could be measured here"
    told = [f"{_counted(of.rows, 'row')}"]
    if of.claims:
        told.append(_counted(of.claims, "claim"))
    failed = f"; {plural(len(of.failed), 'cell')} failed here" if of.failed else ""
    return f"{WORDS[of.outcome]}: {run.suite}, run {run.id}, by {here}: {'; '.join(told)}{failed}"


def lines(of: Replication, width: int) -> Iterator[Line]:
    """Yield what a terminal of `width` columns shows; the first line is the answer."""
    yield from wrapped(answer(of), width, WORDS[of.outcome], "  ")
    yield Line("")
    yield Line("What is compared")
    for text in ground(of):
        yield from wrapped(f"  {text}", width, "", _INDENT)
    if of.differences:
        yield Line("What else is different here")
        for text in _some(of.differences, str):
            yield from wrapped(f"  {text}", width, "", _INDENT)
    for text in _some(of.failed, str):
        yield from wrapped(f"FAILED  {text}", width, "FAILED", _INDENT)
    for outcome in (Replicated.NOT, Replicated.UNTOLD):
        yield from _of_rows(of, outcome, width)
        yield from _of_claims(of, outcome, width)
    notes = [f"{_place(row)}: {note}" for row in of.rows for note in row.notes]
    if notes:
        yield Line("")
        for text in _some(notes, str):
            yield from wrapped(f"Beware: {text}", width, "Beware", _INDENT)
    steps = list(dict.fromkeys(next_steps(of)))
    if steps:
        yield Line("")
    for step in steps:
        yield from wrapped(f"next: {step}", width, "", "  ")
    yield Line("")
    yield from wrapped(_method(of), width, "dim")


def ground(of: Replication) -> Iterator[str]:
    """Yield which of their devices are compared in what, and why; and what is left out."""
    if of.ours is None:
        yield "nothing: none of the report's models could be measured here"
        return
    alike = [one.name for one in of.devices if not one.unlike]
    if alike:
        yield (
            f"{_names(alike)}: of the kind of the device here, so times, rates and memory"
            " themselves; and speed-ups, and quality"
        )
    others = _grouped([one for one in of.devices if one.unlike], lambda one: one.unlike)
    for why, devices in others.items():
        names = [one.name for one in devices]
        yield (
            f"{_names(names)}: not of the kind of the device here ({why}), so speed-ups over the"
            " baseline of the same run, who is faster, and quality alone"
        )
    if of.elsewhere:
        yield f"not asked about: {_names(of.elsewhere)}; --of NAME does"
    figures = [one for row in of.rows for one in row.figures if one.quantity == "quality"]
    if any(one.exact for one in figures):
        yield "quality: of the same cases, so value by value"
    elif figures:
        yield "quality: not known to be of the same cases, so by the intervals of both"
    if of.left_out:
        yield f"{plural(of.left_out, 'row')} of theirs without a figure that can be compared"


def next_steps(of: Replication) -> Iterator[str]:
    """Yield what would tell more."""
    open_ = [one for row in of.rows for one in row.figures if one.outcome is Replicated.UNTOLD]
    flagged = [one for one in open_ if one.reason.startswith("differs, but flagged")]
    if flagged:
        yield (
            f"{plural(len(flagged), 'figure')} differ under a flag: where it says here, stop what"
            " else runs, and run it again"
        )
    wanted = sorted(one.launches for one in open_ if one.launches is not None)
    if wanted:
        yield (
            f"{wanted[len(wanted) // 2]} launches a cell here would tell of half of the"
            f" {plural(len(wanted), 'figure')} that more can tell of, {wanted[-1]} of all:"
            " --effort rigorous makes 25"
        )
    short = [
        one for one in open_ if one.apart is not None and not one.doubt and one.launches is None
    ]
    if short:
        yield (
            f"of {plural(len(short), 'figure')} no number of launches here would tell: their own"
            " interval is too wide, or the difference is just as large as the margin"
        )
    off = {one.quantity for row in of.rows for one in row.figures if one.outcome is Replicated.NOT}
    if off and not off & {*ANYWHERE}:
        yield (
            f"what did not come out again is {', '.join(sorted(off))}: what a machine takes depends"
            " on its day, too; speed-ups and quality, which do not, are not among it"
        )
    if of.ours is None:
        yield "give the models with --models DIR, or take what is made anew with --accept-remade"


def figure_words(one: ReplicatedFigure, reason: bool = True) -> str:
    """Return theirs, ours and how far apart, with the intervals; and what follows, and why."""
    told = [f"{one.quantity} {_told(one.theirs)} there"]
    if one.ours is not None:
        told.append(f"{_told(one.ours)} here")
    if one.by is not None and not one.exact:
        word = "times" if one.ratio else "more"
        told.append(f"{_told(one.by)} {word}")
    return f"{', '.join(told)}{f': {one.reason}' if reason else ''}"


def _of_rows(of: Replication, outcome: Replicated, width: int) -> Iterator[Line]:
    rows = [row for row in of.rows if row.outcome is outcome]
    if not rows:
        return
    yield Line("")
    word = WORDS[outcome]
    yield from wrapped(
        f"{word}  {plural(len(rows), 'row')}{_by_quantity(rows, outcome)}", width, word
    )
    whole = _grouped([row for row in rows if not row.figures], lambda row: row.reason)
    for reason, mine in whole.items():
        yield from wrapped(f"  {plural(len(mine), 'row')}: {reason}", width, "", _INDENT)
        for text in _some(mine, _place):
            yield from wrapped(f"    {text}", width, "", "      ")
    found = [(row, one) for row in rows for one in row.figures if one.outcome is outcome]
    if outcome is Replicated.UNTOLD:
        yield from _by_reason(found, width)
        return
    for row, one in sorted(found, key=lambda pair: -_size(pair[1]))[:LISTED]:
        yield from wrapped(f"  {_place(row)}", width, "", _INDENT)
        yield from wrapped(f"    {figure_words(one)}", width, "", "      ")
    if len(found) > LISTED:
        yield Line(f"  and {plural(len(found) - LISTED, 'figure')} more; --json has all")


def _by_quantity(rows: Sequence[ReplicatedRow], outcome: Replicated) -> str:
    names = [one.quantity for row in rows for one in row.figures if one.outcome is outcome]
    told = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return f": {', '.join(told)}" if told else ""


def _by_reason(
    found: Sequence[tuple[ReplicatedRow, ReplicatedFigure]], width: int
) -> Iterator[Line]:
    """Yield what cannot be told by its cause; reasons with numbers of their own count as one."""

    def cause_of(pair: tuple[ReplicatedRow, ReplicatedFigure]) -> str:
        by_chance = "may be chance" in pair[1].reason
        return "differs by itself, which may be chance" if by_chance else pair[1].reason

    groups = _grouped(found, cause_of)
    for cause, mine in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        yield from wrapped(f"  {plural(len(mine), 'figure')}: {cause}", width, "", _INDENT)
        told = [
            f"{_place(row)}: {figure_words(one, reason=one.reason != cause)}" for row, one in mine
        ]
        for text in _some(told, str):
            yield from wrapped(f"    {text}", width, "", "      ")


def _of_claims(of: Replication, outcome: Replicated, width: int) -> Iterator[Line]:
    found = [one for one in of.claims if one.outcome is outcome]
    if not found:
        return
    yield Line("")
    word = WORDS[outcome]
    yield from wrapped(f"{word}  {plural(len(found), 'claim')}", width, word)
    for reason, mine in _grouped(found, lambda one: one.reason).items():
        if reason:
            yield from wrapped(f"  {plural(len(mine), 'claim')}: {reason}", width, "", _INDENT)
        shown = _some(mine, lambda one: f"{one.text}: {one.theirs} there, {one.ours or '-'} here")
        for text in shown:
            yield from wrapped(f"    {text}", width, "", "      ")


def _method(of: Replication) -> str:
    if not of.looked_at:
        return _when(of)
    return (
        f"Replicated: the 95 % interval of ours over theirs lies within {100 * of.margin:g} %, of"
        f" quality within {of.quality_margin:g}. Not replicated: they surely differ, by Holm's"
        f" procedure over {plural(of.looked_at, 'figure')}: all of a true report come out with"
        f" chance 95 %. {_when(of)}"
    )


def _when(of: Replication) -> str:
    known = of.theirs.run.started_at
    try:
        return f"Theirs was begun at {moment(known)}." if known else ""
    except ValueError:
        return ""


def _counted(of: Sequence[ReplicatedRow] | Sequence[object], what: str) -> str:
    outcomes = [one.outcome for one in of]  # type: ignore[attr-defined]
    told = [f"{outcomes.count(outcome)} {outcome}" for outcome in reversed(Replicated)]
    return f"{plural(len(outcomes), what)}, {', '.join(told)}"


def _place(row: ReplicatedRow) -> str:
    return f"{row.row.variant}: {where(row.row)}"


def _told(one: FigureLimits) -> str:
    return estimate(one.value, one.low, one.high)


def _size(one: ReplicatedFigure) -> float:
    return abs(one.apart.estimate) if one.apart is not None else 0.0


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"


def _grouped(of: Sequence[One], by: Callable[[One], str]) -> dict[str, list[One]]:
    groups: dict[str, list[One]] = {}
    for one in of:
        groups.setdefault(by(one), []).append(one)
    return groups


def _some(of: Sequence[One], said: Callable[[One], str]) -> Iterator[str]:
    for one in of[:MOST]:
        yield said(one)
    if len(of) > MOST:
        yield f"and {len(of) - MOST:,} more; --json has all"
