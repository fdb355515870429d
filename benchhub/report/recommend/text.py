"""A recommendation as lines for a terminal: the answer, then each device with its evidence."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.report.gate.text import Line
from benchhub.report.recommend.words import (
    WORDS,
    answer,
    beside,
    for_all,
    headline,
    held,
    next_steps,
    unseen,
    value,
)
from benchhub.results.recommend.answer import Contender, DeviceAnswer, Recommendation

#: More than so many candidates beside the pick are counted, not told.
MOST = 4


def lines(of: Recommendation, suite: str) -> Iterator[Line]:
    """Yield the lines of a recommendation."""
    yield Line(answer(of))
    for device in of.devices:
        yield Line("")
        word = WORDS[device.kind]
        yield Line(f"{word}  {device.device}: {headline(device)}", word)
        yield from _of_device(device, of, suite)
    if of.for_all is not None:
        yield Line("")
        yield from map(Line, for_all(of.for_all))
    for note in of.notes:
        yield Line(f"note: {note}", style="dim")


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


def _evidence(of: Contender) -> Iterator[Line]:
    for one in of.by_limit:
        why = "" if one.outcome.value == "PASS" else f": {one.reason}"
        yield Line(f"{one.outcome.value:<12}  {held(one, of)}{why}", one.outcome.value)


def _some(told: list[str]) -> Iterator[Line]:
    for one in told[:MOST]:
        yield Line(f"    {one}")
    if len(told) > MOST:
        yield Line(f"    and {len(told) - MOST} more")
