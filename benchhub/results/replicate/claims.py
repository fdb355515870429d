"""What a report says in words, held against another: who is faster, what keeps a limit, claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchhub.config.published.told import PublishedReport, PublishedRow, PublishedVerdict
from benchhub.model.claim import ClaimOutcome
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.quantities import BUDGET_KEYS, Grain
from benchhub.model.scenario import VerdictOutcome
from benchhub.results.replicate.answer import Replicated, ReplicatedClaim, ReplicatedRow
from benchhub.results.replicate.figures import EMULATED, QUALITY, SPEEDUP, interval_of
from benchhub.results.replicate.oneself import base_name

FASTER, LIMIT, CLAIM = "who is faster", "limit", "claim of the suite"


def claims(
    theirs: PublishedReport,
    ours: PublishedReport,
    rows: Sequence[ReplicatedRow],
    bases: Mapping[tuple[str, str], str],
    same_kind: Mapping[str, bool],
) -> Iterator[ReplicatedClaim]:
    """Yield each claim of their report that has something to say.

    `rows` are all of theirs with what each was held against; `bases` says by device and cell that
    the base of a speed-up is another model here, `same_kind` which of their devices are of the kind
    of ours.
    """
    for held in rows:
        yield from _faster(held, theirs, bases.get((held.row.device, held.row.cell), ""))
    yield from _limits(theirs, ours, rows, same_kind)
    known = {one.id: one for one in ours.claims}
    for one in theirs.claims:
        if one.verdict is ClaimOutcome.UNTOLD:
            continue  # it claims nothing
        mine = known.get(one.id)
        if mine is None or (mine.text, mine.asked) != (one.text, one.asked):
            same = (
                "the run here answers no such claim" if mine is None else "it says otherwise here"
            )
            yield ReplicatedClaim(CLAIM, one.text, one.verdict, "", Replicated.UNTOLD, same)
            continue
        outcome = _agreed(one.verdict, mine.verdict, ClaimOutcome.UNTOLD)
        yield ReplicatedClaim(CLAIM, one.text, one.verdict, mine.verdict, outcome, "")


def _faster(held: ReplicatedRow, theirs: PublishedReport, base: str) -> Iterator[ReplicatedClaim]:
    row, interval = held.row, interval_of(held.row, SPEEDUP)
    said = _side(row)
    if not said or row.emulated or interval.method == BY_DEFINITION:
        return
    text = f"{row.variant} is {said} than {base_name(row, theirs)}: {where(row)}"
    if row.status != "finished":
        why = f"{row.status} there"
        yield ReplicatedClaim(FASTER, text, said, "", Replicated.UNTOLD, why)
        return
    if held.ours is None:
        yield ReplicatedClaim(FASTER, text, said, "", Replicated.UNTOLD, held.reason)
        return
    if base or held.ours.emulated:
        yield ReplicatedClaim(FASTER, text, said, "", Replicated.UNTOLD, base or EMULATED)
        return
    mine = _side(held.ours)
    outcome = _agreed(said, mine, "")
    why = "" if mine else "which is faster here cannot be told"
    if outcome is Replicated.NOT and held.doubts[1]:
        outcome, why = Replicated.UNTOLD, f"{mine} here, but {held.doubts[1]}"
    yield ReplicatedClaim(FASTER, text, said, mine, outcome, why)


def _side(row: PublishedRow) -> str:
    """Return whether a row is surely faster or slower than its base; empty: it cannot be told."""
    interval = interval_of(row, SPEEDUP)
    if row.speedup is None or interval.low is None or interval.high is None:
        return ""
    return "faster" if interval.low > 1 else "slower" if interval.high < 1 else ""


def _limits(
    theirs: PublishedReport,
    ours: PublishedReport,
    rows: Sequence[ReplicatedRow],
    same_kind: Mapping[str, bool],
) -> Iterator[ReplicatedClaim]:
    held = {(one.row.device, one.row.cell): one for one in rows}
    known = {(one.cell, one.key, one.limit): one for one in ours.verdicts}
    for verdict in theirs.verdicts:
        one = held.get((verdict.device, verdict.cell))
        if verdict.outcome is VerdictOutcome.INCONCLUSIVE or verdict.device not in same_kind:
            continue
        kept = "keeps" if verdict.outcome is VerdictOutcome.PASS else "breaks"
        if one is None:
            text = f"{verdict.variant} {kept} {verdict.key} {verdict.limit:g}: {verdict.device}"
            why = "the report has no such row"
            yield ReplicatedClaim(LIMIT, text, verdict.outcome, "", Replicated.UNTOLD, why)
            continue
        text = f"{verdict.variant} {kept} {verdict.key} {verdict.limit:g}: {where(one.row)}"
        there = f"{one.row.status} there" if one.row.status != "finished" else ""
        mine = known.get((one.ours.cell, verdict.key, verdict.limit)) if one.ours else None
        if mine is None or there:
            why = there or one.reason or "the run here has no such limit"
            yield ReplicatedClaim(LIMIT, text, verdict.outcome, "", Replicated.UNTOLD, why)
            continue
        outcome = _agreed(verdict.outcome, mine.outcome, VerdictOutcome.INCONCLUSIVE)
        why = "" if mine.outcome is not VerdictOutcome.INCONCLUSIVE else "undecided here"
        if outcome is Replicated.NOT and _of_device(verdict):
            if not same_kind[verdict.device]:
                outcome, why = Replicated.UNTOLD, f"{mine.outcome} here, on another kind of device"
            elif one.doubts[0] and verdict.column != "peak_rss_mib":
                outcome, why = Replicated.UNTOLD, f"{mine.outcome} here, but {one.doubts[0]}"
        yield ReplicatedClaim(LIMIT, text, verdict.outcome, mine.outcome, outcome, why)


def _of_device(verdict: PublishedVerdict) -> bool:
    """Return whether a limit is of what another kind of device takes."""
    if verdict.key not in BUDGET_KEYS:
        return True
    quantity = BUDGET_KEYS[verdict.key][1]
    return quantity.name not in QUALITY and quantity.grain is not Grain.FILE


def _agreed(theirs: str, ours: str, untold: str) -> Replicated:
    if ours == untold:
        return Replicated.UNTOLD
    return Replicated.REPLICATED if theirs == ours else Replicated.NOT


def where(row: PublishedRow) -> str:
    """Return a row's cell in words, but for its variant."""
    words = [f"{row.backend}, {row.scenario}, batch {row.batch}"]
    words.append(f"{row.threads} thread{'s' if row.threads != 1 else ''}")
    if row.concurrency != 1:
        words.append(f"{row.concurrency} at once")
    if row.rate_per_s is not None:
        words.append(f"{row.rate_per_s:g} a second")
    words += [one for one in (row.precision, row.options, row.shapes) if one and one != "f32"]
    return f"{', '.join(words)}, on {row.device}"
