"""The table of a run that has several metrics: a line a variant and backend, a column a metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.row import BY_DEFINITION, Results, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.cells import BACKEND, VARIANT, Column, Table, TableCell, figure, text
from benchhub.report.tables.settings import compact, varying
from benchhub.text import estimate, number

#: What the table's words mean, for reports that have one.
GLOSSARY: dict[str, tuple[str, str]] = {
    "quality by metric": (
        "",
        "Every metric of the task over the same cases, with its 95 % interval over patients, and "
        "below it the loss against the baseline, paired and positive when worse. A name that ends "
        "in worst5 is the mean of the worst 5 % of the cases.",
    ),
    "post-processing": (
        "ms",
        "Median time over cases of what the task makes of one answer (a map of classes, nuclei "
        "told apart) on the controller, shown where that is the device; it is not in the latency.",
    ),
}


def by_metric(result: Results) -> Table:
    """Return the table, empty where the run has one metric and times no post-processing."""
    found = rows_of(result)
    several = len({row.device for row in found}) > 1
    packed = [name for name in varying(found) if name not in ("threads", "batch")]
    timed = any(row.postprocess_p50_ms is not None for row in found)
    entries = {row.cell: metrics_of(row) for row in found}
    units = {name: _direction(entry) for row in found for name, entry in entries[row.cell].items()}
    columns = [
        *([Column("Device")] if several else []),
        *(Column(head, numeric) for head, numeric, _ in (VARIANT, BACKEND)),
        *([Column("Settings")] if packed else []),
        *(Column(name, True, below) for name, below in units.items()),
        *([Column("Post-processing ms", True)] if timed else []),
    ]
    body = [
        (
            *([text(row.device + (" (emulated)" if row.emulated else ""))] if several else []),
            *(show(row) for _, _, show in (VARIANT, BACKEND)),
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
        if row.scenario == Scenario.QUALITY and row.status == "finished" and row.model_sha256
    ]
    more = any(row.quality_also or row.postprocess_p50_ms is not None for row in measured)
    return measured if more else []


def metrics_of(row: Row) -> dict[str, Mapping[str, Any]]:
    """Return what `Row.quality_also` would hold of every metric, the first one included."""
    found: dict[str, Mapping[str, Any]] = {}
    if row.quality_metric is not None:
        found[row.quality_metric] = {
            "value": row.quality,
            "low": row.quality_low,
            "high": row.quality_high,
            "loss": row.quality_loss,
            "loss_low": row.quality_loss_low,
            "loss_high": row.quality_loss_high,
            "method": row.intervals.get("quality_loss", {}).get("method"),
            **row.provenance.get("quality", {}),
        }
    return found | dict(row.quality_also)


def _direction(entry: Mapping[str, Any]) -> str:
    """Say the unit, and that lower is better where it is: of most metrics higher is."""
    said = "lower is better" if entry.get("higher_is_better") is False else ""
    return ", ".join(word for word in (entry.get("unit"), said) if word)


def _cell(entry: Mapping[str, Any] | None, name: str, row: Row) -> TableCell:
    if entry is None or entry["value"] is None:
        withheld = f"quality_also.{name}" in row.withheld or "quality" in row.withheld
        return TableCell("withheld", mark="withheld") if withheld else TableCell("")
    shown = estimate(entry["value"], entry["low"], entry["high"])
    if entry["method"] == BY_DEFINITION:
        return TableCell(shown, entry["value"], below="baseline")
    lost = estimate(entry["loss"], entry["loss_low"], entry["loss_high"], 2)
    unbounded = entry["loss_low"] is None or entry["loss_high"] is None
    known = lost if not unbounded else f"{number(entry['loss'], 2)}, limits unknown"
    return TableCell(
        shown, entry["value"], below=f"loss {known}" if entry["loss"] is not None else ""
    )
