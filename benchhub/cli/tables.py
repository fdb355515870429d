"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchhub.model import Cell, Results, Row, Scenario, Skip, Verdict, VerdictOutcome

_COLOURS = {
    VerdictOutcome.PASS: "green",
    VerdictOutcome.FAIL: "red",
    VerdictOutcome.INCONCLUSIVE: "yellow",
}


def print_results(results: Results) -> None:
    """Print the latency table, the verdicts and what did not work to stdout."""
    console = Console()
    rows = [row for row in results.rows if row.scenario == Scenario.LATENCY]
    memory = {_where(row): row for row in results.rows if row.scenario == Scenario.MEMORY}
    console.print(_latency_table(rows, memory) if rows else "no latency was measured")
    if results.verdicts:
        print_verdicts(console, results.verdicts)
    for row in results.rows:
        if row.status != "finished":
            _say(console, "red", f"{row.status}: {_cell_text(row)}: {row.reason}")
    for device in results.devices:
        if device.error:
            _say(console, "red", f"{device.error}")
    _print_flags(console, results.rows)
    if results.skips:
        console.print(f"{len(results.skips)} combinations skipped; the report lists the reasons")


def _print_flags(console: Console, rows: Sequence[Row]) -> None:
    """Print one line for every kind of doubt: how many cells, and the first cell's evidence."""
    first: dict[str, tuple[Row, str]] = {}
    count: dict[str, int] = {}
    for row in rows:
        for flag in row.flags:
            if flag.caps:
                first.setdefault(flag.name, (row, flag.evidence))
                count[flag.name] = count.get(flag.name, 0) + 1
    for name, (row, evidence) in first.items():
        more = f" (and {count[name] - 1} more cells, see the report)" if count[name] > 1 else ""
        _say(console, "yellow", f"{name}: {_cell_text(row)}: {evidence}{more}")


def _say(console: Console, style: str, text: str) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _latency_table(rows: Sequence[Row], memory: dict[tuple[str, ...], Row]) -> Table:
    table = Table(title="Latency, batch 1 [dim](95 % intervals over launches)[/]", expand=False)
    several = len({row.device for row in rows}) > 1
    if several:
        table.add_column("device")
    for name in ("backend", "variant", "thr"):
        table.add_column(name)
    for name in ("p50 ms", "p95 ms", "speed-up", "loss", "peak MiB", "MB"):
        table.add_column(name, justify="right")
    for row in rows:
        resident = memory.get(_where(row))
        table.add_row(
            *([f"{row.device}{' (emulated)' if row.emulated else ''}"] if several else []),
            row.backend,
            row.variant,
            str(row.threads),
            _interval(row.p50_ms, row.p50_low_ms, row.p50_high_ms, 3),
            _interval(row.p95_ms, row.p95_low_ms, row.p95_high_ms, 3),
            _interval(row.speedup, row.speedup_low, row.speedup_high, 2),
            _interval(row.quality_loss, row.quality_loss_low, row.quality_loss_high, 4),
            _number(resident.peak_rss_mib if resident else None, 1),
            _number(row.model_bytes / 1e6 if row.model_bytes else None, 2),
            style="red" if row.status == "failed" else None,
        )
    return table


def print_verdicts(console: Console, verdicts: Iterable[Verdict]) -> None:
    """Print the verdicts, worst first; equal PASSes are counted, everything else is explained."""
    order = [VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS]
    judged = sorted(verdicts, key=lambda v: (order.index(v.outcome), -_strain(v)))
    counts = [f"{sum(v.outcome is o for v in judged)} {o}" for o in order]
    console.print(f"[bold]Budgets[/]: {', '.join(counts)}", highlight=False)
    for verdict in judged:
        colour = _COLOURS[verdict.outcome]
        head = (
            f"[{colour}]{verdict.outcome:<12}[/] {verdict.device} {verdict.backend}"
            f" {verdict.variant} {verdict.scenario} b{verdict.batch} t{verdict.threads}:"
            f" {verdict.column} "
        )
        seen = _interval(verdict.value, verdict.low, verdict.high, 3) or "not measured"
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


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _interval(value: float | None, low: float | None, high: float | None, digits: int) -> str:
    if value is None:
        return ""
    if low is None or high is None:
        return _number(value, digits)
    return f"{_number(value, digits)} [dim]\\[{_number(low, digits)}, {_number(high, digits)}][/]"
