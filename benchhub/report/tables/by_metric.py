"""The table of a run with several metrics: a line a variant, backend and batch, a column each."""

from __future__ import annotations

from benchhub.model.figure import MetricFigures
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import compact, varying
from benchhub.report.tables.table import BACKEND, VARIANT, Column, Table, TableCell, figure, text
from benchhub.text import estimate, number, shown


def by_metric(result: Results) -> Table:
    """Return the table, empty where the run has one metric and times no post-processing."""
    found = rows_of(result)
    several = len({row.device for row in found}) > 1
    packed = [name for name in varying(found) if name != "threads"]
    timed = any(row["postprocess_p50_ms"].value is not None for row in found)
    entries = {row.cell: metrics_of(row) for row in found}
    units = {name: _direction(entry) for row in found for name, entry in entries[row.cell].items()}
    columns = [
        *([Column("Device")] if several else []),
        *(Column(one.head, one.numeric) for one in (VARIANT, BACKEND)),
        *([Column("Settings")] if packed else []),
        *(Column(name, True, below, rank) for rank, (name, below) in enumerate(units.items())),
        *([Column("Post-processing ms", True, rank=len(units))] if timed else []),
    ]
    body = [
        (
            *([text(row.device + (" (emulated)" if row.emulated else ""))] if several else []),
            *(one.cell(row) for one in (VARIANT, BACKEND)),
            *([text(compact(row, packed))] if packed else []),
            *(_cell(entries[row.cell].get(name), name, row) for name in units),
            *([figure(row, "postprocess_p50_ms")] if timed else []),
        )
        for row in found
    ]
    return Table("quality-by-metric", "Quality by metric", tuple(columns), tuple(body))


def rows_of(result: Results) -> list[Row]:
    """Return the quality cells of a run of which more is known than one metric says."""
    measured = [
        row
        for row in result.rows
        if row.scenario == Scenario.QUALITY and row.status == "finished" and row.runs_model
    ]
    more = any(row.quality_also or row["postprocess_p50_ms"].value is not None for row in measured)
    return measured if more else []


def metrics_of(row: Row) -> dict[str, MetricFigures]:
    """Return what every metric says of a row by name, the first one included."""
    first = {row.quality.metric: row.quality} if row.quality else {}
    return first | dict(row.quality_also)


def _direction(entry: MetricFigures) -> str:
    """Say the unit, and that lower is better where it is: of most metrics higher is."""
    said = "" if entry.higher_is_better else "lower is better"
    return ", ".join(word for word in (entry.unit, said) if word)


def _cell(entry: MetricFigures | None, name: str, row: Row) -> TableCell:
    if entry is None:
        held = name in row.unjudged or "" in row.unjudged
        return TableCell("withheld", mark="withheld") if held else TableCell("")
    value = shown(entry)
    short = number(entry.value)
    if entry.by_definition:
        return TableCell(value, entry.value, below="baseline", short=short)
    loss = entry.loss
    lost = estimate(loss.estimate, loss.low, loss.high, 2)
    if loss.low is None or loss.high is None:
        lost = f"{number(loss.estimate, 2)}, limits unknown"
    return TableCell(value, entry.value, below=f"loss {lost}", short=short)
