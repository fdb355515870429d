"""Fills the columns of timed calls: percentiles, rates, and what a call consists of; pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.row import Row
from benchhub.model.scenario import TIMED, Scenario
from benchhub.results.rows.launch_values import rate_per_s
from benchhub.stats.interval import Interval, geometric_mean_interval
from benchhub.stats.looks import Look, looks_at
from benchhub.stats.quantile import QuantileInterval, quantile_intervals

_NS_PER_MS = 1e6
PERCENTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
#: Series of a call's parts by the accelerator's clock; what is left of the host's is overhead.
_PARTS = ("device", "copy_in", "copy_out")


def fill_timing(row: Row, cell: Cell, launches: Sequence[Launch], drop: int) -> None:
    """Set what the timed calls of the finished `launches` say, where the scenario is about them.

    The latency of a paced cell counts from when a call was due. Without calls nothing is set.
    What is left of the warm-up, `drop` calls, is cut off every launch of a latency cell alike;
    `provenance` says how many, and `iterations` counts those that are left.
    """
    if cell.scenario not in TIMED:
        return
    raw = [launch.samples_ns for launch in launches if launch.samples_ns.size]
    if cell.scenario is Scenario.LATENCY:
        launches = _steady(row, launches, drop)
    timed = [launch.samples_ns for launch in launches if launch.samples_ns.size]
    row.iterations = sum(samples.size for samples in timed)
    if not timed:
        return
    row.mean_ms = float(sum(int(samples.sum()) for samples in timed)) / row.iterations / _NS_PER_MS
    if cell.scenario is Scenario.THROUGHPUT:
        _rate(row, launches)
    else:
        _percentiles(row, timed)
        _looks(row, raw, with_warmup=cell.scenario is Scenario.LATENCY)
    _tracks(row, launches)


def described(interval: Interval, unit: float) -> dict[str, Any]:
    """Return an entry of `Row.intervals`, in units of `unit`."""
    return {
        "low": None if interval.low is None else interval.low / unit,
        "high": None if interval.high is None else interval.high / unit,
        "confidence": interval.confidence,
        "n_eff": interval.n,
        "method": interval.method,
    }


def _rate(row: Row, launches: Sequence[Launch]) -> None:
    rates = [one for launch in launches if (one := rate_per_s(launch)) is not None]
    if rates:
        rate = geometric_mean_interval(rates)
        row.n_eff = float(rate.n)
        row.throughput_per_s = rate.estimate
        row.throughput_low_per_s, row.throughput_high_per_s = rate.low, rate.high
        row.intervals = {**row.intervals, "throughput_per_s": described(rate, 1.0)}


def _percentiles(row: Row, timed: Sequence[Ints]) -> None:
    found = quantile_intervals(timed, tuple(PERCENTILES.values()))
    for name, one in zip(PERCENTILES, found, strict=True):
        if name == "p95":
            row.n_eff = one.n_eff
        if _quantile(row, f"{name}_ms", one):
            entry = row.intervals[f"{name}_ms"]
            setattr(row, f"{name}_low_ms", entry["low"])
            setattr(row, f"{name}_high_ms", entry["high"])


def _looks(row: Row, raw: Sequence[Ints], with_warmup: bool) -> None:
    """Put what each look shows beside each percentile, in ms: what a budget is judged by."""
    found = looks_at(raw, tuple(PERCENTILES.values()), with_warmup=with_warmup)
    for name, looks in zip(PERCENTILES, found, strict=True):
        shown = [dataclasses.asdict(_in_ms(look)) for look in looks]
        column = f"{name}_ms"
        row.intervals = {**row.intervals, column: {**row.intervals[column], "looks": shown}}


def _in_ms(look: Look) -> Look:
    low = None if look.low is None else look.low / _NS_PER_MS
    high = None if look.high is None else look.high / _NS_PER_MS
    return dataclasses.replace(look, estimate=look.estimate / _NS_PER_MS, low=low, high=high)


def _steady(row: Row, launches: Sequence[Launch], drop: int) -> list[Launch]:
    """Return the launches with calls, less their common warm-up in every series of a call."""
    timed = [launch for launch in launches if launch.samples_ns.size]
    if not drop:
        return timed
    row.provenance = {**row.provenance, "warmup_dropped": drop}
    return [
        dataclasses.replace(
            launch,
            samples_ns=launch.samples_ns[drop:],
            tracks_ns={name: one[drop:] for name, one in launch.tracks_ns.items()},
        )
        for launch in timed
        if launch.samples_ns.size > drop
    ]


def _tracks(row: Row, launches: Sequence[Launch]) -> None:
    """Set the medians of the further series, and of what they leave of each call."""
    columns = {name: f"{name}_p50_ms" for name in (*_PARTS, "service")}
    for name, column in columns.items():
        series = [_whole(launch, name) for launch in launches]
        _median(row, column, [one for one in series if one is not None])
    left = [one for launch in launches if (one := _overhead(launch)) is not None]
    _median(row, "overhead_p50_ms", left)


def _whole(launch: Launch, name: str) -> Ints | None:
    series = launch.tracks_ns.get(name)
    whole = series is not None and series.size and series.size == launch.samples_ns.size
    return series if whole else None


def _overhead(launch: Launch) -> Ints | None:
    """Return, per call, what its parts leave of the host's time: launching, waiting, Python.

    A paced call counts from its start, not from when it was due. Clocks of two kinds may differ
    by a little, so a difference below 0 counts as 0.
    """
    if _whole(launch, "device") is None:
        return None
    service = _whole(launch, "service")
    host = launch.samples_ns if service is None else service
    parts = [one for name in _PARTS if (one := _whole(launch, name)) is not None]
    left: Ints = np.maximum(host - np.sum(parts, axis=0), 0)
    return left


def _median(row: Row, column: str, timed: Sequence[Ints]) -> None:
    if timed:
        _quantile(row, column, quantile_intervals(timed, (PERCENTILES["p50"],))[0])


def _quantile(row: Row, column: str, one: QuantileInterval) -> bool:
    """Set `column` with its interval, or say why it is withheld; return whether it was set."""
    entry = {
        "low": one.low / _NS_PER_MS if math.isfinite(one.low) else None,
        "high": one.high / _NS_PER_MS if math.isfinite(one.high) else None,
        "confidence": 0.95,
        "n_eff": one.n_eff,
        "method": one.method,
    }
    row.intervals = {**row.intervals, column: entry}
    if one.withheld:
        needed = max(one.n_eff_needed, math.floor(one.n_eff) + 1)
        why = f"n/a: needs n_eff >= {needed} (has {math.floor(one.n_eff)})"
        row.withheld = {**row.withheld, column: why}
        return False
    setattr(row, column, one.estimate / _NS_PER_MS)
    return True
