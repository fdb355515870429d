"""A recommendation for a terminal: the answer, its devices side by side, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.report.gate.entries import cell_words
from benchhub.report.lines import Line, wrapped
from benchhub.report.recommend.words import (
    answer,
    beside,
    for_all,
    headline,
    held,
    next_steps,
    unseen,
    value,
    word,
)
from benchhub.report.tables.table import Column, Table, TableCell
from benchhub.results.recommend.answer import Advice, Contender, DeviceAnswer, Recommendation
from benchhub.results.recommend.candidates import setting
from benchhub.results.verdicts.after_failure import after_failure
from benchhub.text import estimate, number

#: More than so many candidates beside the pick are counted, not told.
MOST = 4
_MARKS = {
    Advice.SHIP: "pass", Advice.TIE: "pass", Advice.OPEN: "inconclusive",
    Advice.UNDECIDED: "inconclusive", Advice.NONE: "fail", Advice.NOTHING: "fail",
}  # fmt: skip
_INDENT = "  "


def answer_lines(of: Recommendation, width: int) -> Iterator[Line]:
    """Yield the answer in a sentence."""
    yield from wrapped(answer(of), width)


def side_by_side(of: Recommendation) -> Table:
    """Return a line a device, without any where there is one."""
    columns = (
        Column("Device"), Column("Answer"), Column("Pick, or nearest to one"),
        Column(of.objective, numeric=True), Column("Beside it", rank=4),
    )  # fmt: skip
    rows = [_row(one, of) for one in of.devices] if len(of.devices) > 1 else []
    return Table("recommend", f"By {of.objective}, of run {of.run}", columns, tuple(rows))


def lines(of: Recommendation, suite: str, width: int) -> Iterator[Line]:
    """Yield the evidence of each device, one choice for all, what failed, and notes."""
    for device in of.devices:
        yield Line("")
        said = word(device, of)
        yield from wrapped(f"{said}  {device.device}: {headline(device)}", width, said, _INDENT)
        for line in _of_device(device, of, suite):
            hanging = " " * 14 if line.style else _hanging(line.text)
            yield from wrapped(line.text, width, line.style, hanging)
    if of.for_all is not None:
        yield Line("")
        for text in for_all(of.for_all):
            yield from wrapped(text, width, "", _hanging(text))
    if of.failed:
        yield Line("")
        for line in _failed(of):
            yield from wrapped(line.text, width, line.style, _hanging(line.text))
    for note in of.notes:
        yield from wrapped(f"note: {note}", width, "dim", _INDENT)


def _row(of: DeviceAnswer, whole: Recommendation) -> tuple[TableCell, ...]:
    rivals = [one.candidate for one in of.rivals]
    shown = of.pick or of.nearest or (rivals[0] if rivals else None)
    told = TableCell("")
    if shown is not None:
        told = TableCell(
            estimate(shown.value, shown.low, shown.high), shown.value, short=number(shown.value)
        )
    others = (*(one.candidate for one in of.ties), *rivals)
    names = [setting(one.row) for one in others if one is not shown]
    pick = setting(shown.row) if shown is not None else ""
    beside = f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}" if names else ""
    said = TableCell(word(of, whole), mark=_MARKS[of.kind])
    return TableCell(of.device), said, TableCell(pick), told, TableCell(beside)


def _hanging(text: str) -> str:
    """Return the indent of the lines after the first: what begins a line stands out."""
    return " " * (len(text) - len(text.lstrip()) + 2)


def _of_device(of: DeviceAnswer, whole: Recommendation, suite: str) -> Iterator[Line]:
    objective = whole.objective
    shown = of.pick or of.nearest or (of.rivals[0].candidate if of.rivals else None)
    if shown is not None:
        yield Line(f"  {value(shown, objective)}, of {len(of.candidates)} that were looked at")
        yield from _evidence(shown)
    if of.ties:
        yield Line(f"  as good, as far as can be told (to {whole.margin - 1:.0%}):")
        yield from _some([beside(one, objective) for one in of.ties])
    rivals = of.rivals if of.pick is not None else of.rivals[1:]
    if rivals:
        words = "may be better, and" if of.pick is not None else "the others that"
        yield Line(f"  {words} may keep all limits:")
        yield from _some([beside(one, objective) for one in rivals])
    if of.runner_up is not None:
        yield Line(f"  runner-up: {beside(of.runner_up, objective)}")
    if of.pick is not None and whole.limits and not of.pick.evidence:
        yield Line("  no limit is about it")
    elif of.free_of:
        yield Line(f"  not held to: {', '.join(of.free_of)}, which are about others")
    if of.pick is not None and of.why:
        yield Line(f"  but {of.why}")
    if of.unseen:
        yield Line("  not looked at:")
        yield from _some([unseen(one) for one in of.unseen])
    for step in next_steps(of, suite):
        yield Line(f"  next: {step}")


def _failed(of: Recommendation) -> Iterator[Line]:
    """Yield each thing that failed with its reason: what is said above is said without it."""
    yield Line("ERROR  failed, and not looked at:", "ERROR")
    told = [f"{row.device}: {cell_words(row)}: {row.reason}" for row in of.failed.cells]
    told += [f"{name}: {why}" for name, why in of.failed.devices.items()]
    told += [f"{name}: could not be made, or not be run" for name in of.failed.unmade]
    yield from _some(told)
    steps = dict.fromkeys(map(after_failure, of.failed.cells))
    for step in list(steps)[:MOST] or [
        f"fix the cause, then `benchhub run --rerun-failed {of.run}`"
    ]:
        yield Line(f"  next: {step}")


def _evidence(of: Contender) -> Iterator[Line]:
    for one in of.by_limit:
        why = "" if one.outcome.value == "PASS" else f": {one.reason}"
        yield Line(f"{one.outcome.value:<12}  {held(one, of)}{why}", one.outcome.value)


def _some(told: list[str]) -> Iterator[Line]:
    for one in told[:MOST]:
        yield Line(f"    {one}")
    if len(told) > MOST:
        yield Line(f"    and {len(told) - MOST} more")
