"""The tables of a report as plain text cells; markdown and html only lay them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchhub.model.row import BY_DEFINITION, Results, Row, Verdict
from benchhub.model.scenario import Scenario
from benchhub.report.tables.conclude import WORST_FIRST
from benchhub.report.tables.points import flags_that_matter, is_harness
from benchhub.report.tables.settings import SETTINGS, spoken, varying
from benchhub.text import estimate, megabytes, millions, number, plural

WITHHELD = "withheld"
_AT_LEAST = frozenset({"throughput_per_s"})  # whose budget is a smallest value


@dataclass(frozen=True, slots=True)
class TableCell:
    """A text, the number it sorts by when it is one, and what stands small below the text."""

    text: str
    sort: float | None = None
    mark: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, with what stands small below it; numeric columns are set flush right."""

    head: str
    numeric: bool = False
    below: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, columns and rows; `name` is unique in a report."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]


#: A heading, whether it is numeric, and the cell of a row.
Shown = tuple[str, bool, Callable[[Row], TableCell]]


def text(value: object) -> TableCell:
    """A cell of words; empty for None."""
    return TableCell("" if value is None else str(value))


def figure(row: Row, column: str, show: Callable[[float], str] = number) -> TableCell:
    """A number of the row: empty when not measured, `withheld` when the row says why."""
    value = getattr(row, column)
    if value is None:
        return TableCell(WITHHELD, mark=WITHHELD) if column in row.withheld else TableCell("")
    return TableCell(show(value), float(value))


def interval(row: Row, stem: str, unit: str = "") -> TableCell:
    """A number with its interval; the reason a number is withheld is listed apart."""
    value = getattr(row, f"{stem}{unit}")
    if value is None:
        return figure(row, f"{stem}{unit}")
    if row.intervals.get(stem, {}).get("method") == BY_DEFINITION:
        return TableCell(f"{value:.0f} (baseline)", value)
    low, high = getattr(row, f"{stem}_low{unit}"), getattr(row, f"{stem}_high{unit}")
    digits = 2 if stem == "quality_loss" else 3
    return TableCell(estimate(value, low, high, digits), value)


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
    return _table(
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
    every = [row for result in results for row in result.rows if not is_harness(row)]
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
            f"{v.column} {'≥' if v.column in _AT_LEAST else '≤'} {v.limit:,g}",
            v.limit,
            below=v.budget,
        ),
        TableCell(estimate(v.value, v.low, v.high), v.value),
        TableCell(str(v.launches), v.launches, below=_looks(v)),
        TableCell(v.reason, below=f"next: {v.next_step}" if v.next_step else ""),
    )


def _looks(v: Verdict) -> str:
    return f"looks {', '.join(map(str, v.looks))}" if len(v.looks) > 1 else ""


def cells(results: Sequence[Results]) -> Table:
    """Every cell with everything measured; columns that no cell fills are left out."""
    pairs = [(result, row) for result in results for row in result.rows if not is_harness(row)]
    shown_rows = [row for _, row in pairs]
    shown: list[Shown] = [
        ("Device", False, lambda row: text(row.device + (" (emulated)" if row.emulated else ""))),
        ("Scenario", False, lambda row: text(row.scenario)),
        VARIANT,
        BACKEND,
        *(setting(name) for name in SETTINGS if name not in ("concurrency", "options")),
        *(setting(name) for name in varying(shown_rows) if name in ("concurrency", "options")),
        STATUS,
        *(percentile(name) for name in ("p50", "p90", "p95", "p99")),
        ("Mean ms", True, lambda row: figure(row, "mean_ms")),
        ("Speed-up", True, lambda row: interval(row, "speedup")),
        ("Throughput 1/s", True, lambda row: interval(row, "throughput", "_per_s")),
        ("Load ms", True, lambda row: figure(row, "load_ms")),
        ("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
        ("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ("GPU MiB", True, lambda row: figure(row, "gpu_mem_mib")),
        ("Service p50 ms", True, lambda row: figure(row, "service_p50_ms")),
        ("Device p50 ms", True, lambda row: figure(row, "device_p50_ms")),
        ("Copy in ms", True, lambda row: figure(row, "copy_in_p50_ms")),
        ("Copy out ms", True, lambda row: figure(row, "copy_out_p50_ms")),
        ("Launch overhead ms", True, lambda row: figure(row, "overhead_p50_ms")),
        ("Energy mJ", True, lambda row: figure(row, "energy_mj")),
        ("Energy source", False, lambda row: text(row.energy_source)),
        ("Size MB", True, lambda row: figure(row, "model_bytes", lambda v: megabytes(int(v)))),
        ("Compression x", True, lambda row: figure(row, "compression_bytes")),
        ("Metric", False, lambda row: text(row.quality_metric)),
        ("Quality", True, lambda row: interval(row, "quality")),
        ("Quality loss", True, lambda row: interval(row, "quality_loss")),
        ("Quality cases", True, lambda row: figure(row, "quality_cases", lambda v: f"{v:.0f}")),
        ("Post-processing ms", True, lambda row: figure(row, "postprocess_p50_ms")),
        ("Largest difference", True, lambda row: figure(row, "agreement_max_abs")),
        ("Launches", True, lambda row: TableCell(str(row.launches), row.launches)),
        ("Iterations", True, lambda row: figure(row, "iterations", lambda v: f"{v:.0f}")),
        ("n_eff", True, lambda row: figure(row, "n_eff")),
        ("Clock", False, lambda row: text(row.clock)),
    ]
    whole = rows("cells", "All cells", shown, shown_rows, results, pairs)
    kept = [i for i in range(len(whole.columns)) if any(row[i].text for row in whole.rows)]
    return Table(
        whole.name,
        whole.caption,
        tuple(whole.columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in whole.rows),
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
    if any(v.against for _, v in found):
        columns.insert(3, Column("Compared with"))
        body = [
            (*line[:3], text(v.against or r.run.baseline), *line[3:])
            for line, (r, v) in zip(body, found, strict=True)
        ]
    return _table("variants", "Variants", columns, body, results, found)


def quality_parts(results: Sequence[Results]) -> Table:
    """The metric by label, of the quality cells that have it."""
    found = [
        (r, row)
        for r in results
        for row in r.rows
        if row.quality_parts and row.scenario == Scenario.QUALITY
    ]
    names = list(dict.fromkeys(name for _, row in found for name in row.quality_parts))
    columns = [Column("Device"), Column("Variant"), Column("Backend")]
    columns += [Column(name, True) for name in names]
    body = [
        (
            *(text(value) for value in (row.device, row.variant, row.backend)),
            *(TableCell(number(row.quality_parts.get(n)), row.quality_parts.get(n)) for n in names),
        )
        for _, row in found
    ]
    return _table("quality-parts", "Quality by label", columns, body, results, found)


def percentile(name: str) -> Shown:
    """The column of a percentile with its interval."""
    head = "Median (p50) ms" if name == "p50" else f"{name} ms"
    return head, True, lambda row: interval(row, name, "_ms")


def status(row: Row) -> TableCell:
    """Whether a row is sound: its status if it did not finish, and its flags."""
    words = [
        "" if row.status == "finished" else row.status,
        *(flag.name for flag in flags_that_matter(row)),
    ]
    said = ", ".join(word for word in words if word) or "ok"
    return TableCell(said, mark="ok" if said == "ok" else "doubt")


VARIANT: Shown = ("Variant", False, lambda row: text(row.variant))
BACKEND: Shown = ("Backend", False, lambda row: text(row.backend))
STATUS: Shown = ("Status and flags", False, status)


def setting(name: str) -> Shown:
    """The column of one setting."""
    one = SETTINGS[name]

    def show(row: Row) -> TableCell:
        key = one.key(row)
        sort = float(key) if isinstance(key, int | float) else None
        return TableCell("" if key is None else f"{key:g}" if sort is not None else str(key), sort)

    return one.head, one.numeric, show


def _recipe(name: str, options: Mapping[str, object]) -> str:
    listed = ", ".join(f"{key}={options[key]}" for key in sorted(options))
    return f"{name} ({listed})" if listed else name


def rows(
    name: str,
    caption: str,
    shown: Sequence[Shown],
    found: Sequence[Row],
    results: Sequence[Results] = (),
    owners: Sequence[tuple[Results, object]] = (),
) -> Table:
    """A table with a line for each row; with several results, `owners` say whose each is."""
    columns = [Column(head, numeric) for head, numeric, _ in shown]
    body = [tuple(show(row) for _, _, show in shown) for row in found]
    return _table(name, caption, columns, body, results, owners)


def _table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    body: Sequence[tuple[TableCell, ...]],
    results: Sequence[Results],
    owners: Sequence[tuple[Results, object]],
) -> Table:
    """With a leading column for the run when there are several."""
    if len(results) > 1:
        columns = [Column("Run"), *columns]
        pairs = zip(owners, body, strict=True)
        body = [(text(owner.run.id), *row) for (owner, _), row in pairs]
    return Table(name, caption, tuple(columns), tuple(body))
