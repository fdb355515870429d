"""The tables of one device: latency, throughput, paced, GPU, energy, memory, operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.model.scenario import TIMED, Scenario
from benchhub.report.tables.emulated import emulation
from benchhub.report.tables.points import partner, smallest
from benchhub.report.tables.settings import SETTINGS, compact, spoken, usual_left_out, varying
from benchhub.report.tables.table import (
    BACKEND,
    STATUS,
    VARIANT,
    ShownColumn,
    Table,
    TableCell,
    figure,
    interval,
    percentile,
    rows,
    setting,
    text,
)
from benchhub.results.rows.operators import operator_times, operators_text
from benchhub.text import megabytes


def latency(result: Results, device: DeviceInfo, most: int = 0) -> Table:
    """Latency cells of one device with the quality and the memory of the same configuration.

    Of model files without answers: with what loading and the first call took. With `most`, a
    longer table has one line for each variant and backend.
    """

    def joined(column: str, show: Callable[[Row, str], TableCell]) -> Callable[[Row], TableCell]:
        return lambda row: show(partner(row, result.rows, column) or row, column)

    found = _rows_of(result, device, (Scenario.LATENCY,))
    if result.run.kind.without_answers:
        return _table("latency", "Latency", device, fewer(found, most), _of_files(result))
    shown = [
        percentile("p50_ms"),
        percentile("p95_ms", rank=1),
        _speedup(result),
        ShownColumn("Quality loss", True, joined("quality_loss", interval), 2),
        ShownColumn("Size MB", True, _megabytes, 4),
        ShownColumn("Quality", True, joined("quality", interval), 5),
        ShownColumn("Peak MiB", True, joined("peak_rss_mib", figure), 3),
    ]
    return _table("latency", "Latency", device, fewer(found, most), shown)


def _of_files(result: Results) -> list[ShownColumn]:
    """What a launch tells of a model file; the speed-up only where there is another to beat."""
    faster = [_speedup(result)] if len(result.variants) > 1 else []
    return [
        percentile("p50_ms"),
        percentile("p95_ms", rank=1),
        *faster,
        ShownColumn("Load ms", True, _figure_of("load_ms"), 2),
        ShownColumn("First call ms", True, _figure_of("first_inference_ms"), 3),
        ShownColumn("Peak MiB", True, _figure_of("peak_rss_mib"), 2),
        ShownColumn("Size MB", True, _megabytes, 4),
    ]


def throughput(result: Results, device: DeviceInfo, most: int = 0) -> Table:
    """Throughput cells of one device; the speed-up is of their rates. `most`: as of `latency`."""
    found = _rows_of(result, device, (Scenario.THROUGHPUT,))
    shown = [
        ShownColumn("Cases per second", True, lambda row: interval(row, "throughput_per_s")),
        _speedup(result),
    ]
    return _table("throughput", "Throughput", device, fewer(found, most), shown)


def fewer(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """Return the rows, or of more than `most` (0: any number) one for each variant and backend.

    That is the one of the smallest settings; of throughput on a real device the fastest.
    """
    if not most or len(rows) <= most:
        return rows
    if rows[0].scenario != Scenario.THROUGHPUT or rows[0].emulated:
        return smallest(rows)
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = best.setdefault((row.backend, row.variant), row)
        if _rate(row) > _rate(known):
            best[row.backend, row.variant] = row
    return list(best.values())


def _rate(row: Row) -> float:
    return row["throughput_per_s"].value or 0.0


def _megabytes(row: Row) -> TableCell:
    return figure(row, "model_bytes", lambda value: megabytes(int(value)))


def paced(result: Results, device: DeviceInfo, most: int = 0) -> Table:
    """Paced cells of one device: latency from the scheduled arrival, and the service within it."""
    found = _rows_of(result, device, (Scenario.PACED,))
    shown = [
        percentile("p50_ms"),
        percentile("p95_ms"),
        percentile("p99_ms", rank=1),
        ShownColumn("Service p50 ms", True, lambda row: figure(row, "service_p50_ms"), 2),
    ]
    return _table("paced", "Latency of paced calls", device, found, shown, always=("rate_per_s",))


def gpu(result: Results, device: DeviceInfo, most: int = 0) -> Table:
    """Cells that have an accelerator's own clock: compute, copies and launch overhead apart."""
    found = [r for r in _rows_of(result, device, TIMED) if r["device_p50_ms"].value is not None]
    wanted: tuple[tuple[str, str], ...] = (
        ("Host p50 ms", "p50_ms"),
        ("Device p50 ms", "device_p50_ms"),
        ("Copy in ms", "copy_in_p50_ms"),
        ("Copy out ms", "copy_out_p50_ms"),
        ("Launch overhead ms", "overhead_p50_ms"),
        ("GPU MiB", "gpu_mem_mib"),
    )
    shown = [
        ShownColumn(head, True, _figure_of(column))
        for head, column in wanted
        if any(row[column].value is not None for row in found)
    ]
    if len({row.scenario for row in found}) > 1:
        shown.insert(0, ShownColumn("Scenario", False, lambda row: text(row.scenario)))
    return _table("gpu", "Host and device clock", device, found, shown)


def energy(result: Results, device: DeviceInfo) -> Table:
    """Cells whose energy was counted, with the counter it comes from."""
    found = [r for r in _rows_of(result, device, TIMED) if r["energy_mj"].value is not None]
    shown: list[ShownColumn] = [
        ShownColumn("Scenario", False, lambda row: text(row.scenario)),
        ShownColumn("Energy mJ a case", True, lambda row: figure(row, "energy_mj")),
        ShownColumn("Counted by", False, lambda row: text(row.energy_source)),
    ]
    return _table("energy", "Energy", device, found, shown)


def memory(result: Results, device: DeviceInfo) -> Table:
    """Memory and cold start cells of one device."""
    found = _rows_of(result, device, (Scenario.MEMORY, Scenario.COLD_START))
    shown: list[ShownColumn] = [
        ShownColumn("Scenario", False, lambda row: text(row.scenario)),
        ShownColumn("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ShownColumn("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ShownColumn("Load ms", True, lambda row: figure(row, "load_ms")),
        ShownColumn("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
    ]
    if any(row.provenance.launches_of for row in found):
        shown.append(ShownColumn("Launches of", False, lambda row: text(_launched_as(row))))
    return _table("memory", "Memory and cold start", device, found, shown)


def _launched_as(row: Row) -> str:
    return Scenario.LATENCY if row.provenance.launches_of else row.scenario


def operators(result: Results, device: DeviceInfo) -> Table:
    """Where a call's time goes on one device, by operator type."""
    found = [r for r in _rows_of(result, device, (Scenario.PROFILE,)) if operator_times(r)]
    shown = [ShownColumn("Share of a call", False, lambda row: text(operators_text(row)))]
    return _table("profile", "Where a call's time goes", device, found, shown)


#: Those behind the latency table, in the order of a report.
BESIDE_LATENCY: tuple[Callable[[Results, DeviceInfo], Table], ...] = (
    throughput,
    paced,
    gpu,
    energy,
    memory,
    operators,
)


def _rows_of(result: Results, device: DeviceInfo, scenarios: Sequence[Scenario]) -> list[Row]:
    return [
        row
        for row in result.rows
        if row.device == device.name and row.scenario in scenarios and row.runs_model
    ]


def _figure_of(column: str) -> Callable[[Row], TableCell]:
    return lambda row: figure(row, column)


def _speedup(result: Results) -> ShownColumn:
    """The speed-up; what it refers to stands below where that is not the suite's baseline.

    So does what it is of, where the median is withheld: pairs of launches tell it without that.
    """

    def show(row: Row) -> TableCell:
        cell = interval(row, "speedup")
        found = row["speedup"].interval
        against = found.against if found else ""
        below = [] if against in ("", result.run.baseline, row.variant) else [f"against {against}"]
        hidden = row["p50_ms"].value is None and row["p50_ms"].withheld
        if found and found.n_eff and row["speedup"].value is not None and hidden:
            below.append(f"of {found.n_eff:.0f} pairs of launches")
        return replace(cell, below=", ".join(below)) if below else cell

    return ShownColumn("Speed-up", True, show)


def _table(
    name: str,
    title: str,
    device: DeviceInfo,
    found: Sequence[Row],
    shown: Sequence[ShownColumn],
    always: tuple[str, ...] = (),
) -> Table:
    """One table: the settings that vary as columns, those that do not in the caption."""
    names = varying(found)
    own = [n for n in SETTINGS if n in always or (len(names) == 1 and n in names)]
    packed = [n for n in names if n not in own]
    columns = [VARIANT, BACKEND, *(setting(n) for n in own)]
    if packed:
        columns.append(ShownColumn("Settings", False, lambda row: text(compact(row, packed))))
    same = [n for n in SETTINGS if n not in (*own, *packed)] if found else []
    kept = [n for n in usual_left_out(found[0], same) if n != "options"] if found else []
    words = f" ({spoken(found[0], kept)})" if kept else ""
    caption = f"{title} on {device.name}{emulation(device)}{words}"
    return rows(f"{name}-{device.name}", caption, (*columns, *shown, STATUS), found)
