"""The tables of one device: latency, throughput, paced, GPU, energy, memory, operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.model.scenario import TIMED, Scenario
from benchhub.report.tables.cells import (
    BACKEND,
    STATUS,
    VARIANT,
    Shown,
    Table,
    TableCell,
    figure,
    interval,
    percentile,
    rows,
    setting,
    text,
)
from benchhub.report.tables.emulated import emulation
from benchhub.report.tables.points import is_harness, partner
from benchhub.report.tables.settings import SETTINGS, compact, spoken, usual_left_out, varying
from benchhub.results.rows.operators import operator_times, operators_text
from benchhub.text import megabytes


def latency(result: Results, device: DeviceInfo) -> Table:
    """Latency cells of one device with the quality and the memory of the same configuration."""

    def joined(column: str, show: Callable[[Row], TableCell]) -> Callable[[Row], TableCell]:
        return lambda row: show(partner(row, result.rows, column) or row)

    found = _rows_of(result, device, (Scenario.LATENCY,))
    shown: list[Shown] = [
        percentile("p50"),
        ("p95 ms", True, lambda row: interval(row, "p95", "_ms")),
        _speedup(result),
        ("Quality loss", True, joined("quality_loss", lambda row: interval(row, "quality_loss"))),
        ("Size MB", True, lambda row: figure(row, "model_bytes", lambda v: megabytes(int(v)))),
        ("Quality", True, joined("quality", lambda row: interval(row, "quality"))),
        ("Peak MiB", True, joined("peak_rss_mib", lambda row: figure(row, "peak_rss_mib"))),
    ]
    return _table("latency", "Latency", device, found, shown)


def throughput(result: Results, device: DeviceInfo) -> Table:
    """Throughput cells of one device; the speed-up is of their rates."""
    found = _rows_of(result, device, (Scenario.THROUGHPUT,))
    shown: list[Shown] = [
        ("Cases per second", True, lambda row: interval(row, "throughput", "_per_s")),
        _speedup(result),
    ]
    return _table("throughput", "Throughput", device, found, shown)


def paced(result: Results, device: DeviceInfo) -> Table:
    """Paced cells of one device: latency from the scheduled arrival, and the service within it."""
    found = _rows_of(result, device, (Scenario.PACED,))
    shown: list[Shown] = [
        *(percentile(name) for name in ("p50", "p95", "p99")),
        ("Service p50 ms", True, lambda row: figure(row, "service_p50_ms")),
    ]
    return _table("paced", "Latency of paced calls", device, found, shown, always=("rate_per_s",))


def gpu(result: Results, device: DeviceInfo) -> Table:
    """Cells that have an accelerator's own clock: compute, copies and launch overhead apart."""
    found = [r for r in _rows_of(result, device, TIMED) if r.device_p50_ms is not None]
    wanted: tuple[tuple[str, str], ...] = (
        ("Host p50 ms", "p50_ms"),
        ("Device p50 ms", "device_p50_ms"),
        ("Copy in ms", "copy_in_p50_ms"),
        ("Copy out ms", "copy_out_p50_ms"),
        ("Launch overhead ms", "overhead_p50_ms"),
        ("GPU MiB", "gpu_mem_mib"),
    )
    shown = [
        (head, True, _figure_of(column))
        for head, column in wanted
        if any(getattr(row, column) is not None for row in found)
    ]
    if len({row.scenario for row in found}) > 1:
        shown.insert(0, ("Scenario", False, lambda row: text(row.scenario)))
    return _table("gpu", "Host and device clock", device, found, shown)


def energy(result: Results, device: DeviceInfo) -> Table:
    """Cells whose energy was counted, with the counter it comes from."""
    found = [r for r in _rows_of(result, device, TIMED) if r.energy_mj is not None]
    shown: list[Shown] = [
        ("Scenario", False, lambda row: text(row.scenario)),
        ("Energy mJ a case", True, lambda row: figure(row, "energy_mj")),
        ("Counted by", False, lambda row: text(row.energy_source)),
    ]
    return _table("energy", "Energy", device, found, shown)


def memory(result: Results, device: DeviceInfo) -> Table:
    """Memory and cold start cells of one device."""
    found = _rows_of(result, device, (Scenario.MEMORY, Scenario.COLD_START))
    shown: list[Shown] = [
        ("Scenario", False, lambda row: text(row.scenario)),
        ("Peak MiB", True, lambda row: figure(row, "peak_rss_mib")),
        ("Model MiB", True, lambda row: figure(row, "model_rss_mib")),
        ("Load ms", True, lambda row: figure(row, "load_ms")),
        ("First inference ms", True, lambda row: figure(row, "first_inference_ms")),
    ]
    return _table("memory", "Memory and cold start", device, found, shown)


def operators(result: Results, device: DeviceInfo) -> Table:
    """Where a call's time goes on one device, by operator type."""
    found = [r for r in _rows_of(result, device, (Scenario.PROFILE,)) if operator_times(r)]
    shown: list[Shown] = [("Share of a call", False, lambda row: text(operators_text(row)))]
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
        if row.device == device.name and row.scenario in scenarios and not is_harness(row)
    ]


def _figure_of(column: str) -> Callable[[Row], TableCell]:
    return lambda row: figure(row, column)


def _speedup(result: Results) -> Shown:
    """The speed-up; what it refers to stands below where that is not the suite's baseline."""

    def show(row: Row) -> TableCell:
        cell = interval(row, "speedup")
        against = row.intervals.get("speedup", {}).get("against")
        if against in (None, result.run.baseline, row.variant):
            return cell
        return replace(cell, below=f"against {against}")

    return "Speed-up", True, show


def _table(
    name: str,
    title: str,
    device: DeviceInfo,
    found: Sequence[Row],
    shown: Sequence[Shown],
    always: tuple[str, ...] = (),
) -> Table:
    """One table: the settings that vary as columns, those that do not in the caption."""
    names = varying(found)
    own = [n for n in SETTINGS if n in always or (len(names) == 1 and n in names)]
    packed = [n for n in names if n not in own]
    columns = [VARIANT, BACKEND, *(setting(n) for n in own)]
    if packed:
        columns.append(("Settings", False, lambda row: text(compact(row, packed))))
    same = [n for n in SETTINGS if n not in (*own, *packed)] if found else []
    kept = [n for n in usual_left_out(found[0], same) if n != "options"] if found else []
    words = f" ({spoken(found[0], kept)})" if kept else ""
    caption = f"{title} on {device.name}{emulation(device)}{words}"
    return rows(f"{name}-{device.name}", caption, (*columns, *shown, STATUS), found)
