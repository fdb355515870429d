"""What a recommendation says, in sentences that every form of it shares."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from benchhub.errors import told_of
from benchhub.model.asked import EFFORTS
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.results.recommend.answer import (
    Advice,
    Contender,
    DeviceAnswer,
    Evidence,
    ForAll,
    Recommendation,
    Rival,
    Unseen,
)
from benchhub.results.recommend.candidates import setting
from benchhub.results.recommend.recommend import LATENCY, QUICK
from benchhub.results.verdicts.next_steps import FIX_OUTPUTS
from benchhub.text import estimate, number, plural

#: The word for each answer, as verdicts have theirs.
_WORDS = {
    Advice.SHIP: "SHIP", Advice.TIE: "TIE", Advice.OPEN: "SHIP, OR BETTER",
    Advice.UNDECIDED: "UNDECIDED",
    Advice.NONE: "NONE", Advice.NOTHING: "NOTHING",
}  # fmt: skip
#: Where nothing was held to a limit, nothing is said to ship.
_WITHOUT_LIMITS = {Advice.SHIP: "BEST", Advice.OPEN: "BEST, OR BETTER"}


def word(of: DeviceAnswer, whole: Recommendation) -> str:
    """Return the answer on a device in a word."""
    if not whole.limits and of.kind in _WITHOUT_LIMITS:
        return _WITHOUT_LIMITS[of.kind]
    return _WORDS[of.kind]


def answer(of: Recommendation) -> str:
    """Return the whole in one sentence."""
    if not of.devices:
        return "No device was measured."
    picks = Counter(setting(one.pick.row) for one in of.devices if one.pick is not None)
    parts: list[str] = []
    for name, count in picks.most_common(3):
        where = of.devices[0].device if len(of.devices) == 1 else _of(count, len(of.devices))
        parts.append(f"{name} on {where}" if parts else f"{_verb(of)} {name} on {where}")
    if len(picks) > 3:
        parts.append(f"{len(picks) - 3} more settings elsewhere")
    said = "; ".join(parts)
    rest = [_count(of, kind, words) for kind, words in _OTHERS.items()]
    told = "; ".join(one for one in (*rest, failed(of)) if one)
    if not said:
        return f"Nothing can be shipped: {told}."
    if not any(rest):
        decided = "a quick run decides nothing" if QUICK in of.notes else "nothing is undecided"
        return f"{said}; {decided}{', but ' + told if told else ''}."
    return f"{said}; {told}."


def _verb(of: Recommendation) -> str:
    """Return how the picks are introduced: what was held to no limit is no release."""
    if of.limits:
        return "Ship"
    best = "Fastest" if of.objective == LATENCY else f"Best by {of.objective}"
    return f"{best}, held to no limit:"


def failed(of: Recommendation) -> str:
    """Return what a run was to measure and could not, the first of it by name; empty: nothing."""
    several = len(of.devices) > 1
    cells = [
        f"{row.variant} on {row.backend}{f' on {row.device}' if several else ''}"
        for row in of.failed.cells
    ]
    parts = []
    for names, many, words in (
        (cells, plural(len(cells), "cell"), "failed"),
        (list(of.failed.devices), plural(len(of.failed.devices), "device"), "stopped early"),
        (list(of.failed.unmade), plural(len(of.failed.unmade), "variant"), "could not be made"),
    ):
        if names:
            parts.append(f"{many} {words} ({told_of(tuple(dict.fromkeys(names)), 3)})")
    return ", ".join(parts)


_OTHERS = {
    Advice.TIE: "a tie on",
    Advice.OPEN: "something better may be found on",
    Advice.UNDECIDED: "undecided on",
    Advice.NONE: "every candidate breaks a limit on",
    Advice.NOTHING: "nothing was measured on",
}


def _count(of: Recommendation, kind: Advice, words: str) -> str:
    names = [one.device for one in of.devices if one.kind is kind]
    if not names:
        return ""
    return f"{words} {', '.join(names) if len(names) <= 3 else plural(len(names), 'device')}"


def _of(count: int, total: int) -> str:
    return f"{count} of {plural(total, 'device')}"


def headline(of: DeviceAnswer) -> str:
    """Return what is said of one device, in one line."""
    if of.pick is not None:
        return setting(of.pick.row)
    if of.nearest is not None:
        seen = " that was looked at" if of.kind is Advice.UNDECIDED else ""
        near = setting(of.nearest.row)
        return f"every candidate{seen} breaks a limit; the nearest miss is {near}"
    if of.kind is Advice.UNDECIDED:
        return f"nothing is known to keep all limits; the best that may: {_first(of)}"
    return of.why


def _first(of: DeviceAnswer) -> str:
    return setting(of.rivals[0].candidate.row)


def value(one: Contender, objective: str) -> str:
    """Return what a candidate is chosen by, with its interval and unit."""
    unit = QUANTITIES[objective].unit
    told = estimate(one.value, one.low, one.high)
    return f"{objective} {told}{' ' + unit if unit and not objective.endswith(unit) else ''}"


def held(one: Evidence, by: Contender) -> str:
    """Return one limit, what was seen of it, and at which settings if not at the candidate's."""
    of = one.verdict
    sign = "<=" if _at_most(of.key) else ">="
    seen = estimate(of.value, of.low, of.high) or "not known"
    return f"{of.key} {seen} {sign} {number(of.limit)}{_elsewhere(one, by)}"


def _elsewhere(one: Evidence, by: Contender) -> str:
    of, row = one.verdict, by.row
    if QUANTITIES[of.column].grain is Grain.FILE:
        return ""
    said = [f"batch {of.batch}"] if of.batch != row.batch else []
    # How many threads there are says nothing about answers.
    timed = QUANTITIES[of.column].grain is Grain.ROW and of.threads != row.threads
    said += [plural(of.threads, "thread")] if timed else []
    return f" (at {', '.join(said)})" if said else ""


def _at_most(key: str) -> bool:
    from benchhub.model.quantities import BUDGET_KEYS

    return not BUDGET_KEYS[key][0].at_least


def beside(rival: Rival, objective: str) -> str:
    """Return how a rival stands beside the pick: times as long, as much, or its share."""
    name = setting(rival.candidate.row)
    if rival.ratio is None:
        return f"{name}: {rival.doubt}" if rival.doubt else name
    more = QUANTITIES[objective].more_is_better
    ratio, low, high = rival.ratio, rival.low, rival.high
    if more:
        ratio = 1 / ratio
        low, high = _inverse(rival.high), _inverse(rival.low)
    return f"{name}: {estimate(ratio, low, high)} times its {objective}"


def unseen(one: Unseen) -> str:
    """Return what was not looked at, and why; of what is not known, that it may be better."""
    word = "may be better" if one.open else one.row.status
    return f"{setting(one.row)}: {word}: {one.why}"


def _inverse(value: float | None) -> float | None:
    return None if not value else 1 / value


def next_steps(of: DeviceAnswer, suite: str) -> Iterator[str]:
    """Yield what would tell more, as commands or orders, the most useful first.

    `suite` is empty where the run was made without one.
    """
    if of.pick is not None:
        apart = [*of.ties, *of.rivals]
        if apart and any(one.ratio is not None for one in apart):
            wanted = [one.launches for one in apart if one.launches is not None]
            many = f"about {max(wanted)} launches of each" if wanted else "more launches than pay"
            if suite and wanted and max(wanted) > EFFORTS["rigorous"].launches:
                many += f": set launches in [scenarios.{of.pick.row.scenario}]"
            names = [of.pick, *(one.candidate for one in apart)]
            yield f"{_again(suite, of.device, names)}  ({many})"
    seen = set()
    for rival in of.rivals:
        for one in rival.candidate.by_limit:
            if one.outcome.value == "INCONCLUSIVE" and (step := _step(one)) not in seen:
                seen.add(step)
                yield step
    if any(one.open and one.row.status != "finished" for one in of.unseen):
        yield f"benchhub run --resume {of.unseen[0].row.run}"
    if of.nearest is not None:
        failing = (one.verdict for one in of.nearest.by_limit if one.outcome.value == "FAIL")
        yield next((one.next_step for one in failing), FIX_OUTPUTS)


def _step(one: Evidence) -> str:
    return one.verdict.next_step or f"more {_of_what(one)} for {one.verdict.key}"


def _of_what(one: Evidence) -> str:
    return "cases" if one.verdict.key.startswith("quality") else "launches"


def _again(suite: str, device: str, names: Sequence[Contender]) -> str:
    """Return the command that measures these again; of a run without a suite what to measure."""
    if not suite:
        return f"measure again with --effort rigorous on {device}"
    words = ["benchhub", "run", suite, "--device", device]
    for kind in ("backend", "variant"):
        for name in dict.fromkeys(getattr(one.row, kind) for one in names):
            words += [f"--{kind}", name]
    return shlex.join([*words, "--effort", "rigorous"])


def for_all(of: ForAll) -> Iterator[str]:
    """Yield what is said of one choice for all devices."""
    if not of.setting:
        yield f"One for all: none; {of.why}"
    else:
        yield f"One for all: {of.setting}"
    for cost in of.costs:
        if cost.own is cost.candidate:
            yield f"  {cost.device}: its own best"
        else:
            told = estimate(cost.ratio, cost.low, cost.high)
            yield f"  {cost.device}: {told or 'cannot be told how many'} times its own best"
    if of.ties:
        yield f"  as good, as far as can be told: {'; '.join(of.ties)}"
    if of.undecided:
        yield f"  may be better, and may keep all limits: {'; '.join(of.undecided)}"
