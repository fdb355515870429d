"""Tables of everything: all cells, all artifacts, the metric by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchhub.model.quantities import PERCENTILES
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import SETTINGS, compact, varying
from benchhub.report.tables.table import (
    BACKEND,
    STATUS,
    VARIANT,
    Column,
    ShownColumn,
    Table,
    TableCell,
    figure,
    interval,
    percentile,
    rows,
    setting,
    text,
    with_runs,
)
from benchhub.text import megabytes, millions, number


def cells(results: Sequence[Results]) -> Table:
    """Every cell with everything measured; columns that no cell fills are left out."""
    pairs = [(result, row) for result in results for row in result.rows if row.runs_model]
    shown_rows = [row for _, row in pairs]
    columns: list[ShownColumn] = [
        ShownColumn(
            "Device", False, lambda row: text(row.device + (" (emulated)" if row.emulated else ""))
        ),
        ShownColumn("Scenario", False, lambda row: text(row.scenario)),
        VARIANT,
        BACKEND,
        *(setting(name) for name in SETTINGS if name not in ("concurrency", "options")),
        *(setting(name) for name in varying(shown_rows) if name in ("concurrency", "options")),
        STATUS,
        *map(percentile, PERCENTILES),
        ShownColumn("Mean ms", True, lambda row: figure(row, "mean_ms")),
        ShownColumn("Speed-up", True, lambda row: interval(row, "speedup")),
        ShownColumn("Throughput 1/s", True, lambda row: interval(row, "throughput_per_s")),
        ShownColumn("Load ms", True, lambda row: figure(row, "load_ms")),
        ShownColumn("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
        ShownColumn("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ShownColumn("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ShownColumn("GPU MiB", True, lambda row: figure(row, "gpu_mem_mib")),
        ShownColumn("Service p50 ms", True, lambda row: figure(row, "service_p50_ms")),
        ShownColumn("Device p50 ms", True, lambda row: figure(row, "device_p50_ms")),
        ShownColumn("Copy in ms", True, lambda row: figure(row, "copy_in_p50_ms")),
        ShownColumn("Copy out ms", True, lambda row: figure(row, "copy_out_p50_ms")),
        ShownColumn("Launch overhead ms", True, lambda row: figure(row, "overhead_p50_ms")),
        ShownColumn("Energy mJ", True, lambda row: figure(row, "energy_mj")),
        ShownColumn("Energy source", False, lambda row: text(row.energy_source)),
        ShownColumn(
            "Size MB", True, lambda row: figure(row, "model_bytes", lambda v: megabytes(int(v)))
        ),
        ShownColumn("Compression x", True, lambda row: figure(row, "compression_bytes")),
        ShownColumn("Metric", False, lambda row: text(row.column("quality_metric"))),
        ShownColumn("Quality", True, lambda row: interval(row, "quality")),
        ShownColumn("Quality loss", True, lambda row: interval(row, "quality_loss")),
        ShownColumn(
            "Quality cases", True, lambda row: _count(row.quality.cases if row.quality else None)
        ),
        ShownColumn("Post-processing ms", True, lambda row: figure(row, "postprocess_p50_ms")),
        ShownColumn("Largest difference", True, lambda row: figure(row, "agreement_max_abs")),
        ShownColumn("Launches", True, lambda row: TableCell(str(row.launches), row.launches)),
        ShownColumn("Iterations", True, lambda row: _count(row.iterations)),
        ShownColumn("n_eff", True, lambda row: TableCell(number(row.n_eff), row.n_eff)),
        ShownColumn("Clock", False, lambda row: text(row.clock)),
    ]
    whole = rows("cells", "All cells", columns, shown_rows, results, pairs)
    kept = [i for i in range(len(whole.columns)) if any(row[i].text for row in whole.rows)]
    return Table(
        whole.name,
        whole.caption,
        tuple(whole.columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in whole.rows),
        whole.of,
    )


def variants(results: Sequence[Results]) -> Table:
    """The artifacts: what they are made of and by which recipe."""
    heads = ("Variant", "Recipe", "Format", "Size MB", "gzip MB", "Params M", "Nonzero M", "MACs M")
    found = [(result, variant) for result in results for variant in result.variants]
    body: list[tuple[TableCell, ...]] = [
        (
            text(v.name),
            text(_recipe(v.recipe.name, v.recipe.options) if v.recipe else "as given"),
            text(v.format),
            TableCell(megabytes(v.model_bytes), v.model_bytes),
            TableCell(megabytes(v.gzip_bytes), v.gzip_bytes),
            *(TableCell(millions(n), n) for n in (v.params, v.nonzero_params, v.macs)),
            text(v.sha256),
        )
        for _, v in found
    ]
    columns = [*(Column(head, i > 2) for i, head in enumerate(heads)), Column("sha256")]
    if any(v.sparse_bytes is not None and v.sparse_bytes < v.model_bytes for _, v in found):
        columns.insert(5, Column("Without zeros MB", True))
        body = [
            (*line[:5], TableCell(megabytes(v.sparse_bytes), v.sparse_bytes), *line[5:])
            for line, (_, v) in zip(body, found, strict=True)
        ]
    if any(v.uncounted for _, v in found):
        columns.insert(-1, Column("MACs not told of"))
        body = [
            (*line[:-1], text(", ".join(v.uncounted)), line[-1])
            for line, (_, v) in zip(body, found, strict=True)
        ]
    if any(v.against for _, v in found):
        columns.insert(3, Column("Compared with"))
        body = [
            (*line[:3], text(v.against or r.run.baseline), *line[3:])
            for line, (r, v) in zip(body, found, strict=True)
        ]
    return with_runs("variants", "Variants", columns, body, results, found)


def quality_parts(results: Sequence[Results]) -> Table:
    """The metric by label, of the quality cells that have it."""
    found = [
        (r, row)
        for r in results
        for row in r.rows
        if row.quality is not None and row.quality.parts and row.scenario == Scenario.QUALITY
    ]
    names = list(dict.fromkeys(name for _, row in found for name in _parts(row)))
    packed = [name for name in varying([row for _, row in found]) if name != "threads"]
    columns = [Column("Device"), Column("Variant"), Column("Backend")]
    columns += [Column("Settings")] if packed else []
    columns += [Column(name, True) for name in names]
    body = [
        (
            *(text(value) for value in (row.device, row.variant, row.backend)),
            *([text(compact(row, packed))] if packed else []),
            *(TableCell(number(_parts(row).get(n)), _parts(row).get(n)) for n in names),
        )
        for _, row in found
    ]
    return with_runs("quality-parts", "Quality by label", columns, body, results, found)


def _parts(row: Row) -> Mapping[str, float]:
    return row.quality.parts if row.quality else {}


def _count(value: int | None) -> TableCell:
    return TableCell("" if value is None else str(value), None if value is None else float(value))


def _recipe(name: str, options: Mapping[str, object]) -> str:
    listed = ", ".join(f"{key}={options[key]}" for key in sorted(options))
    return f"{name} ({listed})" if listed else name
