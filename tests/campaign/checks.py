"""What must be true after a scenario; each that is not is a finding in words, its kind first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from campaign.answer import decode
from campaign.evidence import Planned, Stored, Tables
from campaign.journal import Line
from campaign.scene import End

#: The words of findings, with what they mean; docs/reference/failures.md has those of failures.
KINDS: Mapping[str, str] = {
    "lost": "a planned launch that neither finished nor has a failure with a name",
    "unnamed": "a failed launch that does not say at which stage, of what kind, or why",
    "doubled": "a launch that is stored as finished twice, or an answer that stands twice",
    "wrong cell": "an answer that stands under another cell or launch than it was made for",
    "unplanned": "a launch that nobody planned",
    "healthy touched": "a launch of a device that nothing struck, and that was not made just once",
    "left running": "a process that still runs",
    "left locked": "a lease or a database that somebody still holds",
    "damaged store": "a database that is not whole, or a run that counts as running",
    "ended badly": "a controller with an exit code that nothing explains, or with a traceback",
    "never over": "a controller that did not end",
    "not pushed again": "a launch that failed because a staged file was gone or damaged",
    "not mended": "a launch that a last run without faults did not finish either",
    "no report": "a run of which no report can be made",
    "campaign": "a fault of the campaign's own",
}
_STAGES = frozenset(
    {"spawn", "import", "load", "first", "warmup", "time", "outputs", "memory", "link", "measure"}
)
_FAILURES = frozenset(
    {"missing", "raised", "crashed", "exited", "deadline", "nonfinite", "shape", "link", "blob",
     "fallback", "memory", "unsupported", "clock", "protocol", "implausible", "record"}
)  # fmt: skip
#: With these a controller ends by itself that met nothing out of the common: all is done, or
#: something failed.
USUAL_CODES = frozenset({0, 3})


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the launches planned: how many finished, failed by name, stand twice or wrongly."""

    planned: int = 0
    done: int = 0
    named: int = 0
    doubled: int = 0
    wrong: int = 0
    lost: int = 0


def counts(found: Tables, journal: Sequence[Line], ends: Sequence[End]) -> Counts:
    """Return the counts of a run."""
    fate = Counter(_fate(found, place, ends) for place in _places(found))
    return Counts(
        planned=sum(fate.values()),
        done=fate["done"],
        named=fate["named"],
        doubled=len(list(doubled(found))),
        wrong=len(list(wrong(found, journal))),
        lost=fate["lost"],
    )


def kept(found: Tables, journal: Sequence[Line], ends: Sequence[End]) -> Iterator[str]:
    """Yield what is wrong with the record of a run, whether it is complete or not."""
    yield from (f"damaged store: {one}" for one in found.damage)
    yield from doubled(found)
    yield from wrong(found, journal)
    yield from unnamed(found)
    keys = {one.cell: one for one in found.planned}
    for one in found.stored:
        if one.cell not in keys or one.launch >= keys[one.cell].launches:
            yield f"unplanned: {_named(found, one.cell, one.launch)}"
        if one.status == "failed" and one.kind == "blob":
            yield f"not pushed again: {_named(found, one.cell, one.launch)}: {one.message}"
    for place in _places(found):
        if _fate(found, place, ends) == "lost":
            yield f"lost: {_named(found, *place)}"


def finished(found: Tables) -> Iterator[str]:
    """Yield every planned launch that did not finish."""
    for cell, launch in _places(found):
        rows = _rows(found, cell, launch)
        if all(one.status != "finished" for one in rows):
            last = f"{rows[-1].status}, {rows[-1].kind}: {rows[-1].message}" if rows else "not made"
            yield f"not mended: {_named(found, cell, launch)}: {last}"


def over(found: Tables) -> Iterator[str]:
    """Yield what is wrong with how a run counts that is over."""
    if found.planned and found.status not in ("done", "failed"):
        yield f"damaged store: the run is over, and counts as {found.status}"


def doubled(found: Tables) -> Iterator[str]:
    """Yield launches that finished more than once, and answers that stand more than once."""
    done = [one for one in found.stored if one.status == "finished"]
    for (cell, launch), count in Counter((one.cell, one.launch) for one in done).items():
        if count > 1:
            yield f"doubled: {_named(found, cell, launch)} finished {count} times"
    real = {one.cell for one in found.planned if "hash_bytes" in one.options}
    told = (decode(row.samples) for row in done if row.cell not in real)
    answers = Counter(one for one in told if one is not None)
    for answer, count in answers.items():
        if count > 1:
            yield f"doubled: the answer {answer.nonce:012x} stands {count} times"


def wrong(found: Tables, journal: Sequence[Line]) -> Iterator[str]:
    """Yield finished launches whose answer is of another cell or launch, or that nobody gave."""
    planned = {one.cell: one for one in found.planned}
    answered = {(one.cell, one.launch, one.nonce) for one in journal if one.what == "answered"}
    for row in found.stored:
        cell = planned.get(row.cell)
        if row.status != "finished" or cell is None:
            continue
        where = _named(found, row.cell, row.launch)
        wanted = cell.options.get("hash_bytes")
        if wanted is not None:
            if row.details.get("hash_bytes") != wanted:
                told = row.details.get("hash_bytes")
                yield f"wrong cell: {where} hashed {told} bytes, its cell says {wanted}"
            continue
        answer = decode(row.samples)
        if answer is None or (answer.cell, answer.launch) != (row.cell, row.launch):
            yield f"wrong cell: {where} holds the answer of {answer}"
        elif tuple(answer) not in answered:
            yield f"wrong cell: {where} holds an answer that its device did not give"


def unnamed(found: Tables) -> Iterator[str]:
    """Yield failed and interrupted launches that do not tell what failed."""
    for one in found.stored:
        if one.status not in ("failed", "interrupted"):
            continue
        told = one.stage in _STAGES and one.kind in _FAILURES and (one.message or "").strip()
        if not told or "\n" in (one.message or ""):
            where = _named(found, one.cell, one.launch)
            yield f"unnamed: {where}: {one.stage}, {one.kind}, {one.message!r}"


def untouched(
    found: Tables, journal: Sequence[Line], healthy: Collection[str], strictly: bool
) -> Iterator[str]:
    """Yield what happened to devices that nothing struck.

    `strictly`: nothing else was struck that they share with others, such as the controller, so
    that each launch was made exactly once.
    """
    begun = Counter((one.device, one.cell, one.launch) for one in journal if one.what == "begun")
    journaled = {one.device for one in journal}
    for cell in found.planned:
        if cell.device not in healthy:
            continue
        if strictly and (error := found.errors.get(cell.device)):
            yield f"healthy touched: {cell.device} stopped: {error}"
        for launch in range(cell.launches):
            rows = _rows(found, cell.cell, launch)
            where = _named(found, cell.cell, launch)
            if strictly and [(one.attempt, one.status) for one in rows] != [(0, "finished")]:
                told = [(one.attempt, one.status, one.kind, one.message) for one in rows]
                yield f"healthy touched: {where}: {told}"
            if any(one.status == "failed" for one in rows) and not strictly:
                yield f"healthy touched: {where} failed: {rows[-1].kind}: {rows[-1].message}"
            made = begun[cell.device, cell.cell, launch]
            if strictly and cell.device in journaled and made != 1:
                yield f"healthy touched: {where} was begun {made} times"


def ended(ends: Sequence[End]) -> Iterator[str]:
    """Yield how controllers ended that should not have."""
    for end in ends:
        if end.hung:
            yield f"never over: {end.err[-1500:]}"
        elif end.code not in USUAL_CODES and not end.expected:
            yield f"ended badly: {end.code}: {end.last_line or end.err[-300:]}"
        elif end.code == 2 and not end.last_line:
            yield "ended badly: 2, without a word"
        if "Traceback" in end.err:
            yield f"ended badly: a traceback: {end.err[end.err.index('Traceback') :][:1500]}"


def shown(end: End) -> Iterator[str]:
    """Yield what is wrong with how the report of a run ended."""
    if end.code or end.hung or "# " not in end.err:
        yield f"no report: {end.code}: {end.err[-1500:]}"


def remains(running: Sequence[str], locked: Sequence[str]) -> Iterator[str]:
    """Yield what was left behind."""
    yield from (f"left running: {one}" for one in running)
    yield from (f"left locked: {one}" for one in locked)


def _places(found: Tables) -> list[tuple[str, int]]:
    return [(one.cell, launch) for one in found.planned for launch in range(one.launches)]


def _rows(found: Tables, cell: str, launch: int) -> list[Stored]:
    rows = [one for one in found.stored if (one.cell, one.launch) == (cell, launch)]
    return sorted(rows, key=lambda one: one.attempt)


def _fate(found: Tables, place: tuple[str, int], ends: Sequence[End]) -> str:
    """Return what became of a planned launch: done, named (a failure that has a name) or lost.

    Named is also one whose cell was closed by the failure of another launch, one of a device that
    stopped for a reason that stands beside it, and of a run whose controller said why it ended.
    """
    rows = _rows(found, *place)
    if any(one.status == "finished" for one in rows):
        return "done"
    by_launch: dict[int, Stored] = {}
    for one in sorted(found.stored, key=lambda one: one.attempt):
        if one.cell == place[0]:
            by_launch[one.launch] = one
    if any(one.status == "failed" and one.kind for one in by_launch.values()):
        return "named"
    device = next(one.device for one in found.planned if one.cell == place[0])
    if found.errors.get(device, "").strip():
        return "named"
    if ends and ends[-1].code == 2 and ends[-1].last_line:
        return "named"
    return "lost"


def _named(found: Tables, cell: str, launch: int) -> str:
    by_cell: dict[str, Planned] = defaultdict(lambda: Planned(cell, "nowhere", 0, {}))
    by_cell |= {one.cell: one for one in found.planned}
    return f"launch {launch} of {cell} on {by_cell[cell].device}"
