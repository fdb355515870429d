"""The tables of a report as plain text cells; markdown and html only lay them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchhub.model import BY_DEFINITION, DeviceInfo, Results, Row, Scenario, Verdict
from benchhub.report.formats.conclude import WORST_FIRST
from benchhub.report.formats.points import flags_that_matter, is_harness, partner
from benchhub.report.formats.text import estimate, megabytes, millions, number, plural

WITHHELD = "withheld"
_AT_LEAST = frozenset({"throughput_per_s"})  # whose budget is a smallest value


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and the number it sorts by when it is one."""

    text: str
    sort: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and the cell of a row; numeric columns are set flush right."""

    head: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, columns and rows; `name` is unique in a report."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


_Shown = tuple[str, bool, Callable[[Row], Cell]]


def text(value: object) -> Cell:
    """A cell of words; empty for None."""
    return Cell("" if value is None else str(value))


def figure(row: Row, column: str, show: Callable[[float], str] = number) -> Cell:
    """A number of the row: empty when not measured, `withheld` when the row says why."""
    value = getattr(row, column)
    if value is None:
        return Cell(WITHHELD, mark=WITHHELD) if column in row.withheld else Cell("")
    return Cell(show(value), float(value))


def interval(row: Row, stem: str, unit: str = "") -> Cell:
    """A number with its interval; the reason a number is withheld is listed apart."""
    value = getattr(row, f"{stem}{unit}")
    if value is None:
        return figure(row, f"{stem}{unit}")
    if row.intervals.get(stem, {}).get("method") == BY_DEFINITION:
        return Cell(f"{value:.0f} (baseline)", value)
    low, high = getattr(row, f"{stem}_low{unit}"), getattr(row, f"{stem}_high{unit}")
    return Cell(estimate(value, low, high), value)


def verdicts(results: Sequence[Results]) -> Table:
    """Every budget applied to every cell, worst first; the device only where there are several."""
    found = [(result, verdict) for result in results for verdict in result.verdicts]
    found.sort(key=lambda pair: WORST_FIRST.index(pair[1].outcome))
    several = len({device.name for result in results for device in result.devices}) > 1
    heads = ("Verdict", *(("Device",) if several else ()), "Configuration", "Limit", "Measured")
    columns = [Column(head, head in ("Limit", "Measured")) for head in heads]
    columns += [Column("Why, and what to do"), Column("Budget")]
    return _table(
        "verdicts",
        "Verdicts, worst first",
        columns,
        [_verdict(v, several) for _, v in found],
        results,
        found,
    )


def _verdict(v: Verdict, with_device: bool) -> tuple[Cell, ...]:
    return (
        Cell(v.outcome.value, WORST_FIRST.index(v.outcome), v.outcome.value.lower()),
        *((text(v.device),) if with_device else ()),
        text(f"{v.variant} on {v.backend}, {plural(v.threads, 'thread')}"),
        Cell(f"{v.column} {'≥' if v.column in _AT_LEAST else '≤'} {v.limit:,g}", v.limit),
        Cell(estimate(v.value, v.low, v.high), v.value),
        text(v.reason),
        text(v.budget),
    )


def latency(result: Results, device: DeviceInfo) -> Table:
    """Latency cells of one device with the quality and the memory of the same configuration."""

    def joined(column: str, show: Callable[[Row], Cell]) -> Callable[[Row], Cell]:
        return lambda row: show(partner(row, result.rows, column) or row)

    shown: list[_Shown] = [
        *_CONFIGURATION,
        ("Median (p50) ms", True, lambda row: interval(row, "p50", "_ms")),
        ("p95 ms", True, lambda row: interval(row, "p95", "_ms")),
        ("Speed-up", True, lambda row: interval(row, "speedup")),
        ("Size MB", True, lambda row: figure(row, "model_bytes", lambda v: megabytes(int(v)))),
        ("Quality", True, joined("quality", lambda row: interval(row, "quality"))),
        ("Quality loss", True, joined("quality_loss", lambda row: interval(row, "quality_loss"))),
        ("Peak MiB", True, joined("peak_rss_mib", lambda row: figure(row, "peak_rss_mib"))),
        _STATUS,
    ]
    return _cells("latency", "Latency", result, device, (Scenario.LATENCY,), shown)


def throughput(result: Results, device: DeviceInfo) -> Table:
    """Throughput cells of one device."""
    shown: list[_Shown] = [
        *_CONFIGURATION,
        ("Batch", True, lambda row: Cell(str(row.batch), row.batch)),
        ("Cases per second", True, lambda row: interval(row, "throughput", "_per_s")),
        _STATUS,
    ]
    return _cells("throughput", "Throughput", result, device, (Scenario.THROUGHPUT,), shown)


def memory(result: Results, device: DeviceInfo) -> Table:
    """Memory and cold start cells of one device."""
    shown: list[_Shown] = [
        ("Scenario", False, lambda row: text(row.scenario)),
        *_CONFIGURATION,
        ("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ("Load ms", True, lambda row: figure(row, "load_ms")),
        ("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
        _STATUS,
    ]
    wanted = (Scenario.MEMORY, Scenario.COLD_START)
    return _cells("memory", "Memory and cold start", result, device, wanted, shown)


def cells(results: Sequence[Results]) -> Table:
    """Every cell with everything measured; columns that no cell fills are left out."""
    shown: list[_Shown] = [
        ("Device", False, lambda row: text(row.device + (" (emulated)" if row.emulated else ""))),
        ("Scenario", False, lambda row: text(row.scenario)),
        *_CONFIGURATION,
        ("Batch", True, lambda row: Cell(str(row.batch), row.batch)),
        ("Precision", False, lambda row: text(row.precision)),
        _STATUS,
        *(_ms(name) for name in ("p50", "p90", "p95", "p99")),
        ("Mean ms", True, lambda row: figure(row, "mean_ms")),
        ("Speed-up", True, lambda row: interval(row, "speedup")),
        ("Throughput 1/s", True, lambda row: interval(row, "throughput", "_per_s")),
        ("Load ms", True, lambda row: figure(row, "load_ms")),
        ("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
        ("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ("GPU MiB", True, lambda row: figure(row, "gpu_mem_mib")),
        ("Energy mJ", True, lambda row: figure(row, "energy_mj")),
        ("Size MB", True, lambda row: figure(row, "model_bytes", lambda v: megabytes(int(v)))),
        ("Compression x", True, lambda row: figure(row, "compression_bytes")),
        ("Metric", False, lambda row: text(row.quality_metric)),
        ("Quality", True, lambda row: interval(row, "quality")),
        ("Quality loss", True, lambda row: interval(row, "quality_loss")),
        ("Quality cases", True, lambda row: figure(row, "quality_cases", lambda v: f"{v:.0f}")),
        ("Largest difference", True, lambda row: figure(row, "agreement_max_abs")),
        ("Launches", True, lambda row: Cell(str(row.launches), row.launches)),
        ("Iterations", True, lambda row: figure(row, "iterations", lambda v: f"{v:.0f}")),
        ("n_eff", True, lambda row: figure(row, "n_eff")),
        ("Clock", False, lambda row: text(row.clock)),
    ]
    pairs = [(result, row) for result in results for row in result.rows if not is_harness(row)]
    whole = _rows("cells", "All cells", shown, [row for _, row in pairs], results, pairs)
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
    body = [
        (
            text(v.name),
            text(_recipe(v.recipe.name, v.recipe.options) if v.recipe else "as given"),
            text(v.format),
            Cell(megabytes(v.model_bytes), v.model_bytes),
            Cell(megabytes(v.gzip_bytes), v.gzip_bytes),
            *(Cell(millions(n), n) for n in (v.params, v.nonzero_params, v.macs)),
            text(v.sha256),
        )
        for _, v in found
    ]
    columns = [*(Column(head, i > 2) for i, head in enumerate(heads)), Column("sha256")]
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
            *(Cell(number(row.quality_parts.get(n)), row.quality_parts.get(n)) for n in names),
        )
        for _, row in found
    ]
    return _table("quality-parts", "Quality by label", columns, body, results, found)


def _ms(name: str) -> _Shown:
    head = "Median (p50) ms" if name == "p50" else f"{name} ms"
    return head, True, lambda row: interval(row, name, "_ms")


def _status(row: Row) -> Cell:
    words = [
        "" if row.status == "finished" else row.status,
        *(flag.name for flag in flags_that_matter(row)),
    ]
    said = ", ".join(word for word in words if word) or "ok"
    return Cell(said, mark="ok" if said == "ok" else "doubt")


_CONFIGURATION: tuple[_Shown, ...] = (
    ("Variant", False, lambda row: text(row.variant)),
    ("Backend", False, lambda row: text(row.backend)),
    ("Threads", True, lambda row: Cell(str(row.threads), row.threads)),
)
_STATUS: _Shown = ("Status and flags", False, _status)


def _recipe(name: str, options: Mapping[str, object]) -> str:
    listed = ", ".join(f"{key}={options[key]}" for key in sorted(options))
    return f"{name} ({listed})" if listed else name


def _cells(
    name: str,
    title: str,
    result: Results,
    device: DeviceInfo,
    scenarios: tuple[Scenario, ...],
    shown: Sequence[_Shown],
) -> Table:
    rows = [
        row
        for row in result.rows
        if row.device == device.name and row.scenario in scenarios and not is_harness(row)
    ]
    note = ", emulated instruction time" if device.emulated else ""
    return _rows(f"{name}-{device.name}", f"{title} on {device.name}{note}", shown, rows)


def _rows(
    name: str,
    caption: str,
    shown: Sequence[_Shown],
    rows: Sequence[Row],
    results: Sequence[Results] = (),
    owners: Sequence[tuple[Results, object]] = (),
) -> Table:
    columns = [Column(head, numeric) for head, numeric, _ in shown]
    body = [tuple(show(row) for _, _, show in shown) for row in rows]
    return _table(name, caption, columns, body, results, owners)


def _table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    body: Sequence[tuple[Cell, ...]],
    results: Sequence[Results],
    owners: Sequence[tuple[Results, object]],
) -> Table:
    """With a leading column for the run when there are several."""
    if len(results) > 1:
        columns = [Column("Run"), *columns]
        pairs = zip(owners, body, strict=True)
        body = [(text(owner.run.id), *row) for (owner, _), row in pairs]
    return Table(name, caption, tuple(columns), tuple(body))
