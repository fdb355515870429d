"""The terminal's tables of times: latency, throughput, paced calls, host and device clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchhub.cli.show.figures import interval, number, points, say
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.emulated import emulation
from benchhub.report.tables.points import is_harness, smallest
from benchhub.report.tables.rates import highest_rates
from benchhub.report.tables.settings import compact, spoken, usual_left_out, varying

#: Settings that the title of a table names where all its rows share them.
SHARED = ("threads", "batch", "concurrency", "precision")
#: A longer table is cut to one line a variant and backend.
MOST_ROWS = 24


def print_timed(console: Console, results: Results) -> None:
    """Print a table for each device and timed scenario, emulated devices last and said to be so."""
    memory = {_where(row): row for row in results.rows if row.scenario == Scenario.MEMORY}
    timed = [row for row in results.rows if not is_harness(row)]
    for info in sorted(results.devices, key=lambda info: info.emulated):
        mine = [row for row in timed if row.device == info.name]
        _print_device(console, results, info, mine, memory)
    if not any(row.scenario == Scenario.LATENCY for row in timed):
        console.print("no latency was measured")
    for row in results.rows:
        if is_harness(row) and row.options is None and row.p50_ms is not None:
            text = f"{row.device}: the harness itself costs {row.p50_ms * 1000:.2f} us a call"
            say(console, "dim", f"{text} (median of the {row.backend} backend)")


def _print_device(
    console: Console,
    results: Results,
    info: DeviceInfo,
    mine: Sequence[Row],
    memory: dict[tuple[str, ...], Row],
) -> None:
    for scenario, build in _TABLES.items():
        rows = [row for row in mine if row.scenario == scenario]
        if shown := _fewer(rows, scenario):
            _show(console, build(info, shown, memory, console.width))
        if len(shown) < len(rows):
            ranked = scenario == Scenario.THROUGHPUT and not info.emulated
            which = "fastest" if ranked else "smallest"
            text = f"the {which} settings of each; {len(rows) - len(shown)} more in the report"
            say(console, "dim", text)
        if scenario == Scenario.PACED:
            for sentence in highest_rates(results, info):
                say(console, "", sentence)
    if accelerated := [row for row in mine if row.device_p50_ms is not None]:
        _show(console, _gpu_table(info, accelerated))


def _fewer(rows: Sequence[Row], scenario: str) -> Sequence[Row]:
    """The rows, or of too many one for each variant and backend."""
    if len(rows) <= MOST_ROWS or scenario == Scenario.PACED:
        return rows
    if scenario != Scenario.THROUGHPUT or rows[0].emulated:
        return smallest(rows)
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = best.setdefault((row.backend, row.variant), row)
        if (row.throughput_per_s or 0.0) > (known.throughput_per_s or 0.0):
            best[row.backend, row.variant] = row
    return list(best.values())


def _show(console: Console, table: Table) -> None:
    """Print a table below its title, which may be wider."""
    title, table.title = table.title, None
    console.print()
    say(console, "bold", str(title))
    console.print(table)


def _table(
    info: DeviceInfo,
    what: str,
    rows: Sequence[Row],
    heads: Sequence[str],
    apart: Sequence[str] = (),
) -> tuple[Table, tuple[str, ...]]:
    """Return an empty table with a settings column where settings vary, and their names."""
    names = tuple(name for name in varying(rows) if name not in apart)
    same = spoken(rows[0], usual_left_out(rows[0], [n for n in SHARED if n not in names]))
    note = f" ({same})" if same else ""
    table = Table(
        title=f"{info.name}{emulation(info)}: {what}{note}",
        box=box.SIMPLE_HEAD,
        show_edge=False, pad_edge=False,
    )  # fmt: skip
    table.add_column("variant", no_wrap=True)
    if names:
        table.add_column("settings", no_wrap=len(names) < 3)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table, names


def _fill(
    table: Table,
    rows: Sequence[Row],
    names: Sequence[str],
    cells: Callable[[Row], list[str]],
) -> None:
    """Add the rows, a heading for each backend."""
    for backend in dict.fromkeys(row.backend for row in rows):
        table.add_row(f"[bold]{escape(backend)}[/]")
        for row in rows:
            if row.backend == backend:
                table.add_row(
                    f"  {escape(row.variant)}",
                    *([escape(compact(row, names))] if names else []),
                    *cells(row),
                    style="red" if row.status == "failed" else None,
                )


def _latency_table(
    info: DeviceInfo, rows: Sequence[Row], memory: dict[tuple[str, ...], Row], width: int
) -> Table:
    # Three widths: only the median's limits, all limits, and the file size in between.
    wide, sized = width >= 130, width >= 90
    heads = ["p50", "p95", "speed-up", "loss", "MiB", *(["MB"] if sized else [])]
    what = "latency in ms, 95 % intervals over launches"
    table, names = _table(info, what, rows, heads)

    def cells(row: Row) -> list[str]:
        resident = memory.get(_where(row))
        size = row.model_bytes / 1e6 if row.model_bytes else None
        return [
            interval(row.p50_ms, row.p50_low_ms, row.p50_high_ms)
            or ("n/a" if "p50_ms" in row.withheld else ""),
            interval(row.p95_ms, row.p95_low_ms, row.p95_high_ms, wide)
            or ("n/a" if "p95_ms" in row.withheld else ""),
            interval(row.speedup, row.speedup_low, row.speedup_high, wide),
            points(row, wide),
            number(resident.peak_rss_mib if resident else None),
            *([number(size)] if sized else []),
        ]

    _fill(table, rows, names, cells)
    return table


def _throughput_table(
    info: DeviceInfo, rows: Sequence[Row], memory: dict[tuple[str, ...], Row], width: int
) -> Table:
    table, names = _table(info, "throughput, cases a second", rows, ["cases/s", "speed-up"])

    def cells(row: Row) -> list[str]:
        low, high = row.throughput_low_per_s, row.throughput_high_per_s
        return [
            interval(row.throughput_per_s, low, high),
            interval(row.speedup, row.speedup_low, row.speedup_high),
        ]

    _fill(table, rows, names, cells)
    return table


def _paced_table(
    info: DeviceInfo, rows: Sequence[Row], memory: dict[tuple[str, ...], Row], width: int
) -> Table:
    heads = ["rate/s", "p50", "p95", "p99", "service", ""]
    what = "paced, ms from the scheduled arrival"
    table, names = _table(info, what, rows, heads, apart=("rate_per_s",))

    def cells(row: Row) -> list[str]:
        limits = width >= 130
        return [
            f"{row.rate_per_s:g}" if row.rate_per_s is not None else "",
            *(
                interval(
                    getattr(row, f"{name}_ms"),
                    getattr(row, f"{name}_low_ms"),
                    getattr(row, f"{name}_high_ms"),
                    limits,
                )
                or ("n/a" if f"{name}_ms" in row.withheld else "")
                for name in ("p50", "p95", "p99")
            ),
            number(row.service_p50_ms),
            "[yellow]overloaded[/]" if any(f.name == "overloaded" for f in row.flags) else "",
        ]

    _fill(table, rows, names, cells)
    return table


def _gpu_table(info: DeviceInfo, rows: Sequence[Row]) -> Table:
    heads = ["host p50", "device p50", "copy in", "copy out", "launch", "GPU MiB"]
    table, names = _table(info, "host and device clock, ms", rows, heads)
    several = len({row.scenario for row in rows}) > 1
    columns = (
        "p50_ms", "device_p50_ms", "copy_in_p50_ms", "copy_out_p50_ms", "overhead_p50_ms",
        "gpu_mem_mib",
    )  # fmt: skip

    def cells(row: Row) -> list[str]:
        return [number(getattr(row, column)) for column in columns]

    shown = [row for row in rows if not several or row.scenario == Scenario.LATENCY]
    _fill(table, shown, names, cells)
    return table


_TABLES = {
    Scenario.LATENCY: _latency_table,
    Scenario.THROUGHPUT: _throughput_table,
    Scenario.PACED: _paced_table,
}


def _where(row: Row) -> tuple[str, ...]:
    return (row.device, row.backend, row.variant, row.precision or "", row.options or "")
