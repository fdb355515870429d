"""The gate as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchhub.report.gate.entries import GateEntry, closing, counted, entries, provenance
from benchhub.report.gate.groups import SameCause, grouped, size
from benchhub.report.gate.quick import quick_cannot
from benchhub.report.run.markdown import escape
from benchhub.results.load import Judged
from benchhub.text import plural

SUFFIX = ".md"
#: A comment on GitHub holds 65,536 characters.
MOST_OPEN, MOST_PASSED, MOST_GROUPS = 60, 60, 10
_HEADS = ("Device", "Configuration", "Budget", "Measured", "Launches")


def render(judged: Judged) -> str:
    """Verdict line first, then what did not pass, PASS folded away, provenance last.

    The last line is a comment that names the suite, for a bot to find what it wrote before.
    """
    return "\n".join(_lines(judged)) + "\n"


def _lines(judged: Judged) -> Iterator[str]:
    found = entries(judged)
    suite = escape(judged.results.run.suite)
    yield f"**{judged.overall}**: benchhub gate of {suite}: {escape(counted(judged, found))}"
    yield ""
    told = grouped([entry for entry in found if entry.outcome != "PASS"])
    open_ = [one for one in told if not isinstance(one, SameCause)]
    together = [one for one in told if isinstance(one, SameCause)]
    if hint := quick_cannot(judged):
        yield _as_code(hint)
        yield ""
    kept = [entry for entry in found if entry.outcome == "PASS"]
    if open_:
        yield from _table(("Verdict", *_HEADS, "Why", "Next step"), open_[:MOST_OPEN], True)
        yield from _more(len(open_) - MOST_OPEN)
    for group in together[:MOST_GROUPS]:
        yield from _group(group)
    yield from _more(sum(map(size, together[MOST_GROUPS:])))
    yield _as_code(closing(judged))
    yield ""
    if kept:
        yield f"<details><summary>{plural(len(kept), 'budget')} kept</summary>"
        yield ""
        yield from _table((*_HEADS, "Why"), kept[:MOST_PASSED], False)
        yield from _more(len(kept) - MOST_PASSED)
        yield "</details>"
        yield ""
    yield f"<sub>{escape(provenance(judged))}</sub>"
    yield ""
    yield f"<!-- benchhub-gate {judged.results.run.suite.replace('--', '- -')} -->"


def _group(group: SameCause) -> Iterator[str]:
    about = f"{group.counted}, {group.limit}" if group.limit else group.counted
    yield f"**{group.outcome}**: {escape(about)}. {escape(group.cause)}"
    yield ""
    yield from (f"- {escape(cell)}" for cell in group.cells())
    if left := group.left():
        yield f"- and {left} more: `benchhub gate --json` in the job's log names them all"
    yield ""
    if group.first_reason:
        yield f"Of the first: {escape(group.first_reason)}."
    yield f"Next step: {_as_code(group.step)}"
    yield ""


def _as_code(text: str) -> str:
    """Return text that Markdown shows as it is, but for commands, which stand in backticks."""
    return escape(text).replace("\\`", "`")


def _table(heads: Sequence[str], found: Sequence[GateEntry], open_: bool) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield (
        "|" + "|".join(" ---: " if h in ("Measured", "Launches") else " --- " for h in heads) + "|"
    )
    for entry in found:
        device = f"{entry.device}{' (emulated)' if entry.emulated else ''}"
        seen = (entry.seen, entry.launches.replace(" launches", "").replace(" launch", ""))
        said = [device, entry.what, entry.limit, *seen, entry.reason]
        words = [escape(text) for text in said]
        if open_:
            words = [f"**{entry.outcome}**", *words, _as_code(entry.step)]
        yield "| " + " | ".join(words) + " |"
    yield ""


def _more(left: int) -> Iterator[str]:
    if left > 0:
        yield f"And {left} more: `benchhub gate` in the job's log names them all."
        yield ""
