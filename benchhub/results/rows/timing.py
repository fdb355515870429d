"""The figures of timed calls: percentiles, rates, and what a call consists of; pure.

Beside `launch_values` the only place where units change: nanoseconds become milliseconds here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.cell import Cell
from benchhub.model.figure import Figure, Interval, Look
from benchhub.model.launch import Launch
from benchhub.model.quantities import PERCENTILES
from benchhub.model.scenario import TIMED, Scenario
from benchhub.results.rows.launch_values import NS_PER_MS, rate_per_s
from benchhub.stats.interval import Estimate, geometric_mean_interval
from benchhub.stats.looks import looks_at
from benchhub.stats.quantile import QuantileInterval, quantile_intervals

#: Series of a call's parts by the accelerator's clock; what is left of the host's is overhead.
_PARTS = ("device", "copy_in", "copy_out")
#: The percentile whose effective sample size a row shows.
_N_EFF_OF = "p95_ms"


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """What the timed calls of a cell say; `iterations` are those that count."""

    figures: dict[str, Figure]
    iterations: int | None = None
    n_eff: float | None = None


def timing(cell: Cell, launches: Sequence[Launch], drop: int, each_launch: bool = False) -> Timing:
    """Return what the timed calls of the finished `launches` say, where the scenario is about them.

    The latency of a paced cell counts from when a call was due. What is left of the warm-up, `drop`
    calls, is cut off every launch of a latency cell alike. `each_launch`: percentiles are told of
    each launch by itself, too.
    """
    if cell.scenario not in TIMED:
        return Timing({})
    warm = cell.scenario is Scenario.LATENCY
    raw = [launch.samples_ns for launch in launches if launch.samples_ns.size]
    if warm:
        launches = _steady(launches, drop)
    timed = [launch.samples_ns for launch in launches if launch.samples_ns.size]
    iterations = sum(samples.size for samples in timed)
    if not timed:
        return Timing({}, iterations)
    mean_ns = float(sum(int(samples.sum()) for samples in timed)) / iterations
    figures = {"mean_ms": Figure(mean_ns / NS_PER_MS)}
    n_eff: float | None = None
    if cell.scenario is Scenario.THROUGHPUT:
        rates = [one for launch in launches if (one := rate_per_s(launch)) is not None]
        if rates:
            rate = geometric_mean_interval(rates)
            figures["throughput_per_s"] = estimated(rate)
            n_eff = float(rate.n)
    else:
        figures |= _percentiles(timed, raw, warm, each_launch)
        interval = figures[_N_EFF_OF].interval
        n_eff = interval.n_eff if interval else None
    return Timing(figures | dict(_parts(launches)), iterations, n_eff)


def estimated(found: Estimate, unit: float = 1.0) -> Figure:
    """Return a centre over launches as a figure in units of `unit`."""
    low = None if found.low is None else found.low / unit
    high = None if found.high is None else found.high / unit
    interval = Interval(low, high, found.method, found.confidence, found.n)
    return Figure(found.estimate / unit, interval)


def _percentiles(
    timed: Sequence[Ints], raw: Sequence[Ints], warm: bool, each_launch: bool
) -> dict[str, Figure]:
    """Return every percentile, each with what each look shows: what a budget is judged by."""
    shares = tuple(PERCENTILES.values())
    whole = quantile_intervals(timed, shares)
    found = looks_at(raw, shares, with_warmup=warm)
    each = _each(timed, shares) if each_launch else [()] * len(shares)
    return {
        name: _quantile(one, tuple(look.in_units_of(NS_PER_MS) for look in looks), mine)
        for name, one, looks, mine in zip(PERCENTILES, whole, found, each, strict=True)
    }


def _each(timed: Sequence[Ints], shares: Sequence[float]) -> list[tuple[float, ...]]:
    """Return each quantile of each launch in ms, the smallest call that is not below it."""
    found = [np.quantile(samples, shares, method="inverted_cdf") / NS_PER_MS for samples in timed]
    return [tuple(float(one[at]) for one in found) for at in range(len(shares))]


def _steady(launches: Sequence[Launch], drop: int) -> list[Launch]:
    """Return the launches with calls, less their common warm-up in every series of a call."""
    timed = [launch for launch in launches if launch.samples_ns.size]
    if not drop:
        return timed
    return [
        dataclasses.replace(
            launch,
            samples_ns=launch.samples_ns[drop:],
            tracks_ns={name: one[drop:] for name, one in launch.tracks_ns.items()},
        )
        for launch in timed
        if launch.samples_ns.size > drop
    ]


def _parts(launches: Sequence[Launch]) -> Iterator[tuple[str, Figure]]:
    """Yield the medians of the further series, and of what they leave of each call."""
    for name in (*_PARTS, "service"):
        series = [_whole(launch, name) for launch in launches]
        yield from _median(f"{name}_p50_ms", [one for one in series if one is not None])
    left = [one for launch in launches if (one := _overhead(launch)) is not None]
    yield from _median("overhead_p50_ms", left)


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


def _median(name: str, timed: Sequence[Ints]) -> Iterator[tuple[str, Figure]]:
    if timed:
        yield name, _quantile(quantile_intervals(timed, (0.5,))[0])


def _quantile(
    one: QuantileInterval, looks: tuple[Look, ...] = (), by_launch: tuple[float, ...] = ()
) -> Figure:
    """Return a quantile with its interval, or why it is withheld."""
    low = one.low / NS_PER_MS if math.isfinite(one.low) else None
    high = one.high / NS_PER_MS if math.isfinite(one.high) else None
    interval = Interval(low, high, one.method, 0.95, one.n_eff, looks=looks, by_launch=by_launch)
    if one.withheld:
        needed = max(one.n_eff_needed, math.floor(one.n_eff) + 1)
        return Figure(None, interval, f"needs n_eff >= {needed} (has {math.floor(one.n_eff)})")
    return Figure(one.estimate / NS_PER_MS, interval)
