"""From launches to one row per cell: percentiles, throughput, memory, quality, flags; pure.

With `timing_columns`, the only place where units change: nanoseconds become milliseconds,
microjoules millijoules, bytes mebibytes.

Columns over launches (load, first inference, memory, energy) are medians, with order-statistic
intervals in `intervals`. `n_eff` is that of p95. `iterations` counts the timed calls of all
launches. Quality is measured in the quality cell of a (device, backend, variant) and shown in its
other rows too; `provenance["quality"]` says from which cell it comes.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchhub.model.asked import Agreement
from benchhub.model.cell import Cell, Variant
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import Flag, Row
from benchhub.model.scenario import Scenario
from benchhub.results.rows.flags import flags
from benchhub.results.rows.launch_values import energy_mj
from benchhub.results.rows.quality_columns import (
    Judges,
    fill_agreement,
    fill_postprocessing,
    fill_quality,
)
from benchhub.results.rows.quality_tables import Tables
from benchhub.results.rows.timing import PERCENTILES as PERCENTILES
from benchhub.results.rows.timing import described, fill_timing
from benchhub.stats.interval import median_interval
from benchhub.stats.warmup import WarmupCut, warmup_cut

_NS_PER_MS = 1e6
_BYTES_PER_MIB = 1024 * 1024


def summarize(
    run: RunInfo,
    cells: Sequence[Cell],
    launches: Iterable[Launch],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    *,
    limits: Agreement | None = None,
    answer_key: AnswerKey | None = None,
    metric: Metric | None = None,
    also: Sequence[Metric] = (),
    seed: int = 0,
    tables: Tables | None = None,
) -> tuple[Row, ...]:
    """Return a row for every planned cell, measured or not, in the order of `cells`.

    `answer_key` and `metric` give agreement and quality; without them those columns stay empty.
    `also` are further metrics, `seed` draws the resamples, `tables` keeps what metrics have
    compared.
    """
    by_cell: dict[str, list[Launch]] = defaultdict(list)
    for launch in launches:
        by_cell[launch.cell.key].append(launch)
    known = {variant.name: variant for variant in variants}
    infos = {device.name: device for device in devices}
    rows = []
    for cell in cells:
        row = _identity(run, cell, known, known.get(run.baseline), infos.get(cell.device))
        _measured(row, cell, by_cell[cell.key], infos.get(cell.device))
        if answer_key is not None and row.status == "finished":
            finished = _finished(by_cell[cell.key])
            meant = known[cell.variant].approximates if cell.variant in known else ""
            fill_agreement(row, finished, answer_key, limits or Agreement(), meant)
            fill_postprocessing(row, finished, infos.get(cell.device))
        rows.append(row)
    if answer_key is not None and metric is not None:
        judges = Judges((metric, *also), seed, tables)
        fill_quality(rows, cells, by_cell, answer_key, judges, run.baseline)
    return tuple(rows)


#: Columns that are the artifact's, whatever is measured of it.
_SIZES = ("model_bytes", "gzip_bytes", "sparse_bytes", "params", "nonzero_params", "macs")


def _identity(
    run: RunInfo,
    cell: Cell,
    variants: Mapping[str, Variant],
    baseline: Variant | None,
    device: DeviceInfo | None,
) -> Row:
    row = Row(
        run=run.id,
        device=cell.device,
        backend=cell.backend,
        variant=cell.variant,
        model_sha256=cell.model_sha256,
        scenario=str(cell.scenario),
        batch=cell.batch,
        threads=cell.threads,
        concurrency=cell.concurrency,
        rate_per_s=cell.rate_per_s,
        options=_options_text(cell.options),
        # What was asked for; a finished row shows what the backend says it used.
        precision=cell.precision if cell.model_sha256 else None,
        cell=cell.key,
    )
    if device is not None:
        row.emulated = device.emulated
        row.arch = device.facts.get("arch") or device.facts.get("machine")
    variant = variants.get(cell.variant)
    if variant is not None:
        row.recipe = variant.recipe.name if variant.recipe else None
        for name in _SIZES:
            setattr(row, name, getattr(variant, name))
        baseline = variants.get(variant.against or "", baseline)
        if baseline is not None and variant.model_bytes:
            row.compression_bytes = baseline.model_bytes / variant.model_bytes
        if baseline is not None and variant.nonzero_params and baseline.nonzero_params:
            row.compression_params = baseline.nonzero_params / variant.nonzero_params
    return row


def _options_text(options: str) -> str | None:
    chosen = json.loads(options)
    return " ".join(f"{name}={value}" for name, value in sorted(chosen.items())) or None


def _finished(launches: Sequence[Launch]) -> list[Launch]:
    return [launch for launch in launches if launch.status == "finished"]


def _measured(row: Row, cell: Cell, launches: list[Launch], device: DeviceInfo | None) -> None:
    finished = _finished(launches)
    last = {launch.index: launch for launch in sorted(launches, key=lambda one: one.attempt)}
    failed = [launch for launch in last.values() if launch.status == "failed"]
    row.launches = len(finished)
    if failed:
        failure = failed[0].failure
        row.status = "failed"
        row.reason = (
            f"{failure.stage}: {failure.kind}: {failure.message}" if failure else "no cause given"
        )
    elif not finished:
        row.status = "unmeasured"
        row.reason = "every launch was interrupted" if launches else "no launch was made"
        if device is not None and device.error:
            row.reason = device.error
    row.provenance = _provenance(cell, launches, finished)
    if row.status != "finished":
        return
    cut = WarmupCut(0, ())
    if cell.scenario is Scenario.LATENCY:
        cut = warmup_cut([one.samples_ns for one in finished if one.samples_ns.size])
    raised = list(flags(finished, cut))
    interrupted = sum(launch.status == "interrupted" for launch in launches)
    if interrupted:
        evidence = f"{interrupted} launches were interrupted and measured again"
        raised.append(Flag("relaunched", evidence, caps=False))
    if len(finished) < cell.launches:
        evidence = f"{len(finished)} of {cell.launches} launches were made"
        raised.append(Flag("incomplete", evidence, caps=False))
    row.flags = tuple(raised)
    for name in ("backend_version", "provider", "precision", "clock"):
        setattr(row, name, _several(getattr(launch, name) for launch in finished))
    if cell.scenario is Scenario.PROFILE:
        return  # counting takes time and memory of its own
    _over_launches(row, finished)
    fill_timing(row, cell, finished, cut.drop)
    _energy(row, finished)


def _energy(row: Row, launches: Sequence[Launch]) -> None:
    """Set the energy of one inference; a batch of n is n inferences, idle power is included."""
    known = [launch for launch in launches if energy_mj(launch) is not None]
    sources = sorted({launch.energy_source or "" for launch in known})
    if len(sources) > 1:
        why = f"n/a: launches were counted by {' and by '.join(sources)}"
        row.withheld = {**row.withheld, "energy_mj": why}
    if len(sources) != 1:
        return
    counted = [value for launch in known if (value := energy_mj(launch)) is not None]
    interval = median_interval(counted)
    row.energy_mj = interval.estimate
    row.energy_source = sources[0] or None
    row.intervals = {**row.intervals, "energy_mj": described(interval, 1.0)}


def _over_launches(row: Row, launches: list[Launch]) -> None:
    over_import = [
        launch.peak_rss_bytes - launch.imported_rss_bytes
        for launch in launches
        if launch.peak_rss_bytes is not None and launch.imported_rss_bytes is not None
    ]
    columns: tuple[tuple[str, float, Sequence[int | None]], ...] = (
        ("load_ms", _NS_PER_MS, [launch.load_ns for launch in launches]),
        ("first_inference_ms", _NS_PER_MS, [launch.first_inference_ns for launch in launches]),
        ("peak_rss_mib", _BYTES_PER_MIB, [launch.peak_rss_bytes for launch in launches]),
        ("model_rss_mib", _BYTES_PER_MIB, over_import),
        ("gpu_mem_mib", _BYTES_PER_MIB, [launch.gpu_bytes for launch in launches]),
    )
    intervals = dict(row.intervals)
    for column, unit, values in columns:
        known = [value for value in values if value is not None]
        if known:
            interval = median_interval(known)
            setattr(row, column, interval.estimate / unit)
            intervals[column] = described(interval, unit)
    row.intervals = intervals


def _provenance(
    cell: Cell, launches: Sequence[Launch], finished: Sequence[Launch]
) -> dict[str, Any]:
    states = [state for one in finished for state in (one.before, one.after) if state]
    unavailable: dict[str, str] = {}
    for state in states:
        unavailable.update(state.unavailable)
    started = [launch.started_at for launch in launches]
    details: dict[str, Any] = {}
    for launch in finished:
        details.update(launch.details)
    return {
        "model_sha256": cell.model_sha256,
        "planned_launches": cell.launches,
        "launches": [f"{launch.index}.{launch.attempt}" for launch in finished],
        "statuses": dict(Counter(launch.status for launch in launches)),
        "started_at": [min(started), max(started)] if started else None,
        "governor": _several(state.governor for state in states),
        "frequency_mhz": _range(state.frequency_mhz for state in states),
        "temperature_c": _range(state.temperature_c for state in states),
        "load_1m": _range(state.load_1m for state in states),
        "unavailable": unavailable,
        "gpu_memory_source": _several(launch.gpu_source for launch in finished),
        "details": details,
        **_pacing(finished),
    }


def _pacing(finished: Sequence[Launch]) -> dict[str, Any]:
    """Return how well the arrivals of a paced cell were kept, over all launches."""
    told = [launch.details["paced"] for launch in finished if "paced" in launch.details]
    if not told:
        return {}
    counts = {
        name: sum(one.get(name, 0) for one in told)
        for name in ("offered", "completed", "late_starts")
    }
    late = [one["start_late_p99_ns"] for one in told if "start_late_p99_ns" in one]
    return {"paced": {**counts, "start_late_p99_ns": _range(late)}}


def _range(values: Iterable[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return [min(known), max(known)] if known else None


def _several(values: Iterable[str | None]) -> str | None:
    return ", ".join(sorted({value for value in values if value is not None})) or None
