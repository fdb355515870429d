"""Tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchhub.model import Cell, Results, Row, Scenario, Skip, Verdict, VerdictOutcome
from benchhub.report.formats.points import flags_that_matter, is_harness

_COLOURS = {
    VerdictOutcome.PASS: "green",
    VerdictOutcome.FAIL: "red",
    VerdictOutcome.INCONCLUSIVE: "yellow",
}


def print_results(results: Results) -> None:
    """Print latency by device, the verdicts and what did not work to stdout."""
    console = Console()
    _print_latency(console, results)
    if results.verdicts:
        print_verdicts(console, results.verdicts, passed=False)
    for row in results.rows:
        if row.status != "finished":
            _say(console, "red", f"{row.status}: {_cell_text(row)}: {row.reason}")
    for info in results.devices:
        if info.error:
            _say(console, "red", info.error)
    _print_flags(console, results.rows)
    if results.skips:
        _say(console, "dim", f"{len(results.skips)} combinations skipped; the report says why")


def _print_latency(console: Console, results: Results) -> None:
    memory = {_where(row): row for row in results.rows if row.scenario == Scenario.MEMORY}
    timed = [r for r in results.rows if r.scenario == Scenario.LATENCY and not is_harness(r)]
    for device in dict.fromkeys(row.device for row in timed):
        mine = [row for row in timed if row.device == device]
        console.print(_latency_table(device, mine, memory, console.width))
    if not timed:
        console.print("no latency was measured")
    for row in results.rows:
        if is_harness(row) and row.p50_ms is not None:
            text = f"{row.device}: the harness itself costs {row.p50_ms * 1000:.2f} us a call"
            _say(console, "dim", f"{text} (median of the {row.backend} backend)")


def _latency_table(
    device: str, rows: Sequence[Row], memory: dict[tuple[str, ...], Row], width: int
) -> Table:
    emulated = " (emulated instruction time)" if rows[0].emulated else ""
    # Three widths: only the median's limits, all limits, and the file size in between.
    wide, sized = width >= 130, width >= 90
    table = Table(
        title=f"{device}{emulated}: latency in ms, 95 % intervals over launches",
        title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        show_edge=False, pad_edge=False,
    )  # fmt: skip
    table.add_column("variant", no_wrap=True)
    for name in ("thr", "p50", "p95", "speed-up", "loss", "MiB", *(["MB"] if sized else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for backend in dict.fromkeys(row.backend for row in rows):
        mine = [row for row in rows if row.backend == backend]
        table.add_row(f"[bold]{backend}[/]")
        for row in mine:
            resident = memory.get(_where(row))
            size = row.model_bytes / 1e6 if row.model_bytes else None
            table.add_row(
                f"  {row.variant}",
                str(row.threads),
                _interval(row.p50_ms, row.p50_low_ms, row.p50_high_ms),
                _interval(row.p95_ms, row.p95_low_ms, row.p95_high_ms, wide)
                or ("n/a" if "p95_ms" in row.withheld else ""),
                _interval(row.speedup, row.speedup_low, row.speedup_high, wide),
                _points(row, wide),
                _number(resident.peak_rss_mib if resident else None),
                *([_number(size)] if sized else []),
                style="red" if row.status == "failed" else None,
            )
    return table


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
        more = f" (and {count[name] - 1} more cells, see the report)" if count[name] > 1 else ""
        _say(console, "yellow", f"{name}: {_cell_text(row)}: {evidence}{more}")


def _say(console: Console, style: str, text: str) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_verdicts(console: Console, verdicts: Iterable[Verdict], passed: bool = True) -> None:
    """Print the verdicts, worst first, what did not pass with its reason and the next step."""
    order = [VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS]
    judged = sorted(verdicts, key=lambda v: (order.index(v.outcome), -_strain(v)))
    counts = [f"{sum(v.outcome is o for v in judged)} {o}" for o in order]
    console.print(f"[bold]Budgets[/]: {', '.join(counts)}", highlight=False)
    for verdict in judged:
        if verdict.outcome is VerdictOutcome.PASS and not passed:
            continue
        colour = _COLOURS[verdict.outcome]
        head = (
            f"[{colour}]{verdict.outcome:<12}[/] {verdict.device} {verdict.backend}"
            f" {verdict.variant} {verdict.scenario} b{verdict.batch} t{verdict.threads}:"
            f" {verdict.column} "
        )
        seen = _interval(verdict.value, verdict.low, verdict.high) or "not measured"
        text = f"{head}{seen}, budget {verdict.limit:g}"
        console.print(text, highlight=False, soft_wrap=True)
        if verdict.outcome is not VerdictOutcome.PASS:
            _say(console, colour, f"             {verdict.reason} ({verdict.launches} launches)")


def _strain(verdict: Verdict) -> float:
    """Return how close to, or beyond, its budget a cell is: larger is worse."""
    if verdict.value is None:
        return float("inf")
    return verdict.value / verdict.limit if verdict.limit else verdict.value


def plan_table(cells: Sequence[Cell]) -> Table:
    """Return the cells of a plan."""
    table = Table(title="Cells")
    for name in ("device", "backend", "variant", "scenario", "batch", "threads", "launches"):
        table.add_column(name)
    for cell in cells:
        table.add_row(
            cell.device, cell.backend, cell.variant, cell.scenario,
            str(cell.batch), str(cell.threads), str(cell.launches),
        )  # fmt: skip
    return table


def skip_table(skips: Sequence[Skip]) -> Table:
    """Return the skips of a plan with their reasons."""
    table = Table(title="Skipped")
    for name in ("device", "backend", "variant", "scenario", "reason"):
        table.add_column(name, overflow="fold")
    for skip in skips:
        table.add_row(skip.device, skip.backend, skip.variant, skip.scenario, skip.reason)
    return table


def _where(row: Row) -> tuple[str, ...]:
    return (row.device, row.backend, row.variant)


def _cell_text(row: Row) -> str:
    return (
        f"{row.device} {row.backend} {row.variant} {row.scenario}"
        f" batch {row.batch} threads {row.threads}"
    )


def _points(row: Row, wide: bool) -> str:
    """Return the quality loss with the digits that mean something for a metric up to 1."""
    if row.quality_loss is None:
        return ""
    text = f"{round(row.quality_loss, 4) + 0.0:.4f}"  # + 0.0: no negative zero
    if wide and row.quality_loss_low is not None and row.quality_loss_high is not None:
        text += f" [dim]\\[{row.quality_loss_low:.4f}, {row.quality_loss_high:.4f}][/]"
    return text


def _number(value: float | None) -> str:
    """Return a value with three significant digits, never in exponent form."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _interval(
    value: float | None, low: float | None, high: float | None, limits: bool = True
) -> str:
    if value is None:
        return ""
    if low is None or high is None or not limits:
        return _number(value)
    return f"{_number(value)} [dim]\\[{_number(low)}, {_number(high)}][/]"
