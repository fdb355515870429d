"""What a run found, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from benchhub.cli.figures import counted, interval, say
from benchhub.cli.timed_tables import print_timed
from benchhub.model import Results, Row, Verdict, VerdictOutcome
from benchhub.report.formats.points import flags_that_matter
from benchhub.report.settings import compact

#: A summary prints no more verdicts than these.
MOST_VERDICTS = 20

_COLOURS = {
    VerdictOutcome.PASS: "green",
    VerdictOutcome.FAIL: "red",
    VerdictOutcome.INCONCLUSIVE: "yellow",
}


def print_results(results: Results) -> None:
    """Print times by device, the verdicts and what did not work to stdout."""
    console = Console()
    print_timed(console, results)
    if results.verdicts:
        rows = {row.cell: row for row in results.rows}
        print_verdicts(console, results.verdicts, passed=False, rows=rows, most=MOST_VERDICTS)
    for row in results.rows:
        if row.status != "finished":
            say(console, "red", f"{row.status}: {_cell_text(row)}: {row.reason}")
    for info in results.devices:
        if info.error:
            say(console, "red", info.error)
    _print_flags(console, results.rows)
    if results.skips:
        say(console, "dim", f"{len(results.skips)} combinations skipped; the report says why")


def _print_flags(console: Console, rows: Sequence[Row]) -> None:
    """Print one line for every kind of doubt: how many cells, and the first cell's evidence."""
    first: dict[str, tuple[Row, str]] = {}
    count: dict[str, int] = {}
    for row in rows:
        for flag in flags_that_matter(row):
            if flag.caps:
                first.setdefault(flag.name, (row, flag.evidence))
                count[flag.name] = count.get(flag.name, 0) + 1
    for name, (row, evidence) in first.items():
        others = counted(count[name] - 1, "more cell")
        more = f" (and {others}, see the report)" if count[name] > 1 else ""
        say(console, "yellow", f"{name}: {_cell_text(row)}: {evidence}{more}")


def print_verdicts(
    console: Console,
    verdicts: Iterable[Verdict],
    passed: bool = True,
    rows: Mapping[str, Row] | None = None,
    most: int | None = None,
) -> None:
    """Print the verdicts, worst first, what did not pass with its reason and the next step.

    `rows` by cell tell the settings beside batch and threads, and which devices are emulated:
    these stand behind the real ones. Of more than `most` verdicts the rest is counted.
    """
    order = [VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS]
    known = rows or {}

    def emulated(verdict: Verdict) -> bool:
        return verdict.cell in known and known[verdict.cell].emulated

    judged = sorted(verdicts, key=lambda v: (order.index(v.outcome), emulated(v), -_strain(v)))
    counts = [f"{sum(v.outcome is o for v in judged)} {o}" for o in order]
    console.print(f"[bold]Budgets[/]: {', '.join(counts)}", highlight=False)
    shown = [v for v in judged if passed or v.outcome is not VerdictOutcome.PASS]
    for verdict in shown[:most]:
        colour = _COLOURS[verdict.outcome]
        more = escape(_more(known[verdict.cell])) if verdict.cell in known else ""
        head = (
            f"[{colour}]{verdict.outcome:<12}[/] {verdict.device} {verdict.backend}"
            f" {verdict.variant} {verdict.scenario} b{verdict.batch} t{verdict.threads}"
            f"{more}{' (emulated)' if emulated(verdict) else ''}:"
            f" {verdict.column} "
        )
        seen = interval(verdict.value, verdict.low, verdict.high) or "no figure"
        text = f"{head}{seen}, budget {verdict.limit:g}"
        console.print(text, highlight=False, soft_wrap=True)
        if verdict.outcome is not VerdictOutcome.PASS:
            say(
                console,
                colour,
                f"             {verdict.reason} ({counted(verdict.launches, 'launch')})",
            )
    if most is not None and len(shown) > most:
        say(console, "dim", f"and {len(shown) - most} more; `benchhub gate` prints them all")


def _strain(verdict: Verdict) -> float:
    """Return how close to, or beyond, its budget a cell is: larger is worse."""
    if verdict.value is None:
        return float("inf")
    return verdict.value / verdict.limit if verdict.limit else verdict.value


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
