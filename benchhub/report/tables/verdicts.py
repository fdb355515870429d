"""The table of verdicts: every budget applied to every cell, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Results, Verdict
from benchhub.report.tables.conclude import WORST_FIRST
from benchhub.report.tables.settings import spoken, varying
from benchhub.report.tables.table import Column, Table, TableCell, text, with_runs
from benchhub.text import estimate, plural

_FIGURES = ("Limit", "Measured", "Launches")


def verdicts(results: Sequence[Results]) -> Table:
    """Every budget applied to every cell, worst first; the device only where there are several."""
    found = [(result, verdict) for result in results for verdict in result.verdicts]
    several = len({device.name for result in results for device in result.devices}) > 1
    heads = ("Verdict", *(("Device",) if several else ()), "Configuration", *_FIGURES)
    columns = [Column(head, head in _FIGURES) for head in heads]
    columns.append(Column("Why, and what to do next"))
    settings = _settings_by_cell(results)
    emulated = {device.name for result in results for device in result.devices if device.emulated}
    found.sort(key=lambda pair: (_rank(pair[1]), pair[1].device in emulated))
    body = [
        _verdict(
            v,
            f"{v.device} (emulated)" if v.device in emulated else v.device,
            several,
            settings.get((r.run.id, v.cell), ""),
        )
        for r, v in found
    ]
    return with_runs(
        "verdicts",
        "Verdicts, worst first",
        columns,
        body,
        results,
        found,
    )


def _rank(verdict: Verdict) -> int:
    return WORST_FIRST.index(verdict.outcome)


def split(verdicts: Table) -> tuple[Table, Table]:
    """The verdicts that ask for action, and those that do not."""
    passed = tuple(row for row in verdicts.rows if any(cell.mark == "pass" for cell in row))
    others = tuple(row for row in verdicts.rows if all(cell.mark != "pass" for cell in row))
    columns = verdicts.columns
    return (
        Table("verdicts", "Verdicts other than PASS", columns, others),
        Table("passed", "Verdicts that are PASS", columns, passed),
    )


def _settings_by_cell(results: Sequence[Results]) -> dict[tuple[str, str], str]:
    """The settings beside threads that vary anywhere, in words, by run and cell."""
    every = [row for result in results for row in result.rows if row.runs_model]
    names = [name for name in varying(every) if name != "threads"]
    usual = {"batch": 1, "concurrency": 1, "precision": "f32"}
    return {
        (row.run, row.cell): spoken(
            row, [n for n in names if n not in usual or getattr(row, n) != usual[n]]
        )
        for row in every
    }


def _verdict(v: Verdict, device: str, with_device: bool, settings: str) -> tuple[TableCell, ...]:
    more = f", {settings}" if settings else ""
    return (
        TableCell(v.outcome.value, WORST_FIRST.index(v.outcome), v.outcome.value.lower()),
        *((text(device),) if with_device else ()),
        text(f"{v.variant} on {v.backend}, {plural(v.threads, 'thread')}{more}"),
        TableCell(
            f"{v.column} {'≥' if QUANTITIES[v.column].more_is_better else '≤'} {v.limit:,g}",
            v.limit,
            below=v.budget,
        ),
        TableCell(estimate(v.value, v.low, v.high), v.value),
        TableCell(str(v.launches), v.launches, below=_looks(v)),
        TableCell(v.reason, below=f"next: {v.next_step}" if v.next_step else ""),
    )


def _looks(v: Verdict) -> str:
    return f"looks {', '.join(map(str, v.looks))}" if len(v.looks) > 1 else ""
