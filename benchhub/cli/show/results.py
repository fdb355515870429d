"""What a run found, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from benchhub.cli.show.claims import print_claims
from benchhub.cli.show.faster import print_faster
from benchhub.cli.show.quality import print_quality
from benchhub.cli.show.say import print_again, print_lines, say, stdout
from benchhub.cli.show.timed import print_timed
from benchhub.model.flag import ABOUT_QUALITY
from benchhub.model.row import Results, Row
from benchhub.model.scenario import VerdictOutcome
from benchhub.report.gate.text import headline, lines
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.tables.settings import compact
from benchhub.results.load import Judged
from benchhub.results.verdicts.after_failure import after_failure
from benchhub.text import plural

#: A summary prints no more verdicts than these.
MOST_VERDICTS = 20


def print_results(judged: Judged) -> None:
    """Print the verdicts and what is faster, times by device and what did not work to stdout."""
    results, console = judged.results, stdout()
    told: set[str] = set()
    if judged.budgets:
        print_gate(console, judged, MOST_VERDICTS)
        told = {v.cell for v in judged.verdicts if v.outcome is not VerdictOutcome.PASS}
    print_faster(console, results)
    print_timed(console, results)
    print_quality(console, results)
    if not judged.budgets:  # the gate tells of failures itself
        _print_failures(console, results)
    _print_flags(console, [row for row in results.rows if row.cell not in told])
    for variant in results.variants:
        for done in variant.remarks:
            say(console, "yellow", f"{variant.name}: {done}")
    if results.skips:
        say(
            console,
            "dim",
            f"{plural(len(results.skips), 'combination')} skipped; the report says why",
        )
    print_claims(console, results)
    if judged.budgets:
        print_again(console, headline(judged, console.width), len(results.rows))


def _print_failures(console: Console, results: Results) -> None:
    for row in results.rows:
        if row.status != "finished":
            say(console, "red", f"{row.status}: {_cell_text(row)}: {row.reason}")
            if row.status == "failed":
                say(console, "", f"  next: {after_failure(row)}")
    for info in results.devices:
        if info.error:
            say(console, "red", info.error)


def print_gate(console: Console, judged: Judged, most: int | None = None) -> None:
    """Print the gate's answer; with `most`, only so many verdicts that are not PASS."""
    print_lines(console, lines(judged, console.width, most))


def _print_flags(console: Console, rows: Sequence[Row]) -> None:
    """Print one line for every kind of doubt: how many cells, and the first cell's evidence."""
    first: dict[str, tuple[Row, str]] = {}
    count: dict[str, int] = {}
    for row in rows:
        for flag in flags_that_matter(row):
            if flag.caps or flag.name in ABOUT_QUALITY:
                first.setdefault(flag.name, (row, flag.evidence))
                count[flag.name] = count.get(flag.name, 0) + 1
    for name, (row, evidence) in first.items():
        others = plural(count[name] - 1, "more cell")
        more = f" (and {others}, see the report)" if count[name] > 1 else ""
        say(console, "yellow", f"{name}: {_cell_text(row)}: {evidence}{more}")


def _more(row: Row) -> str:
    """The settings that are not the usual ones, beside batch and threads."""
    others = [name for name in ("rate_per_s", "options") if getattr(row, name) is not None]
    others += ["concurrency"] if row.concurrency > 1 else []
    others += ["precision"] if row.precision not in (None, "f32", "none") else []
    return f" {compact(row, others)}" if others else ""


def _cell_text(row: Row) -> str:
    return (
        f"{row.device} {row.backend} {row.variant} {row.scenario}"
        f" batch {row.batch} threads {row.threads}{_more(row)}"
    )
