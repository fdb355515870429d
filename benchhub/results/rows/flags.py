"""Doubts about a cell, each with its evidence; pure.

A flag caps a verdict only where the disturbance is gross: ordinary noise of a shared machine is
already in the intervals.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

import numpy as np

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Conditions
from benchhub.results.rows.oversubscribed import oversubscribed
from benchhub.stats.drift import drift
from benchhub.stats.warmup import AGREEING, WarmupCut, warmup_cut
from benchhub.text import plural, rounded

#: Name: (share from which it is mentioned, share from which it caps), median over launches.
_LIMITS = {
    FlagKind.FOREIGN_CPU: (0.05, 0.25),
    FlagKind.STEAL: (0.02, 0.10),
    FlagKind.PRESSURE: (0.10, math.inf),
}
_FREQUENCY_CHANGE = 1.10
_HOT_C = 80.0
#: What the median may move by, as a factor, before that is more than a remark.
_MOVED = 1.02
_NEARLY_FULL = 0.9
#: Counters of a device that only grow while it runs; whose fall is none of theirs, by how much:
#: the kernel's ticks are sums over processors that do not count at the same moment.
_COUNTERS: Mapping[str, Callable[[Conditions], int | None]] = {
    "the count of throttling": lambda state: state.throttle_count,
    "the processor's time": lambda state: state.cpu_total_ticks,
    "its busy time": lambda state: state.cpu_busy_ticks,
    "its stolen time": lambda state: state.cpu_steal_ticks,
    "benchhub's own time": lambda state: state.own_cpu_ticks,
    "the time of waiting for it": lambda state: state.pressure_cpu_us,
}
_TICKS = 2
#: That evidence is of one launch, where nothing else is spoken of.
_OF_ONE = re.compile(r" \(1 launch(es)?\)|,? in 1 (of 1 )?launch(es)?")
_BACKLASH = dict.fromkeys(("the processor's time", "its busy time", "its stolen time"), _TICKS)
#: What may lie between two calls, and which share of the time calls have to fill.
_GAP_NS, _MOST_GAPS = 100_000, 0.5


def flags(launches: Sequence[Launch], cut: WarmupCut | None = None) -> tuple[Flag, ...]:
    """Return the doubts about the finished launches of one cell, from their own record.

    `cut` is the warm-up of their samples, where that is known already.
    """
    raised = (
        *_shares(launches),
        *_states(launches),
        *_gone_back(launches),
        *_gaps(launches),
        *_samples(launches, cut),
        *_memory(launches),
        *_arrivals(launches),
        *_averaged(launches),
        *_told(launches),
        *_engines(launches),
        *oversubscribed(launches),
    )
    return tuple(raised)


def of_launch(launch: Launch) -> tuple[Flag, ...]:
    """Return what disturbed one finished launch, or casts doubt on it, from its own record."""
    alone = (launch,)
    raised = (
        *_shares(alone), *_states(alone), *_gone_back(alone), *_gaps(alone), *_engines(alone),
    )  # fmt: skip
    return tuple(
        dataclasses.replace(flag, evidence=_OF_ONE.sub("", flag.evidence)) for flag in raised
    )


def _shares(launches: Sequence[Launch]) -> Iterator[Flag]:
    of: dict[FlagKind, tuple[str, Callable[[Launch], float | None]]] = {
        FlagKind.FOREIGN_CPU: ("of all CPU time went to other programs", _foreign),
        FlagKind.STEAL: ("of all CPU time was taken by the hypervisor", _steal),
        FlagKind.PRESSURE: ("of the time something waited for a CPU", _pressure),
    }
    for name, (text, share) in of.items():
        known = [value for launch in launches if (value := share(launch)) is not None]
        if not known:
            continue
        middle = median(known)
        mention, cap = _LIMITS[name]
        if middle > mention:
            several = f" (median of {len(known)} launches, most {max(known):.0%})"
            evidence = f"{middle:.0%} {text}{several if len(known) > 1 else ' (1 launch)'}"
            yield Flag(name, evidence, caps=middle > cap)


def _states(launches: Sequence[Launch]) -> Iterator[Flag]:
    throttled = [
        moved
        for launch in launches
        if (moved := _moved(launch, lambda state: state.throttle_count)) is not None and moved > 0
    ]
    if throttled:
        yield Flag(
            FlagKind.THROTTLED,
            f"{plural(sum(throttled), 'throttle event')} in {plural(len(throttled), 'launch')}",
            caps=True,
        )
    states = [state for launch in launches for state in (launch.before, launch.after) if state]
    clocks = [state.frequency_mhz for state in states if state.frequency_mhz]
    if clocks and max(clocks) > _FREQUENCY_CHANGE * min(clocks):
        evidence = f"CPU clock between {min(clocks):.0f} and {max(clocks):.0f} MHz"
        yield Flag(FlagKind.FREQUENCY_CHANGED, evidence, caps=False)
    degrees = [state.temperature_c for state in states if state.temperature_c is not None]
    if degrees and max(degrees) >= _HOT_C:
        yield Flag(FlagKind.HOT, f"reached {max(degrees):.0f} °C", caps=False)


def _samples(launches: Sequence[Launch], cut: WarmupCut | None) -> Iterator[Flag]:
    timed = [launch.samples_ns for launch in launches if launch.samples_ns.size]
    if not timed:
        return
    pooled = np.concatenate(timed)
    steps = np.diff(np.sort(pooled))
    steps = steps[steps > 0]
    if pooled.size >= 50 and steps.size + 1 < pooled.size / 2:
        step = int(steps.min()) if steps.size else 0
        if step == 0 or step > 0.005 * float(np.median(pooled)):
            evidence = f"{pooled.size} samples take {steps.size + 1} values, {step} ns apart"
            yield Flag(FlagKind.COARSE_CLOCK, evidence, caps=False)
    if launches[0].cell.scenario is Scenario.LATENCY and len(timed) >= AGREEING:
        yield from (cut or warmup_cut(timed)).flags
    moved = drift(timed)
    for flag in moved.flags:
        yield dataclasses.replace(flag, caps=not 1 / _MOVED <= moved.shift <= _MOVED)
    if len(timed) == 1:
        yield Flag(
            FlagKind.SINGLE_LAUNCH, "the interval knows nothing of other launches", caps=True
        )


def _memory(launches: Sequence[Launch]) -> Iterator[Flag]:
    kept = sum(launch.memory_reset is False for launch in launches)
    if kept:
        evidence = (
            f"the peak counter could not be reset in {kept} launches: imports are in the peak"
        )
        yield Flag(FlagKind.MEMORY_NOT_RESET, evidence, caps=False)


def _averaged(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield a doubt about imported samples that are means: their tails are shorter than those."""
    calls = max((launch.details.calls_per_round for launch in launches), default=1)
    if calls > 1:
        yield Flag(
            FlagKind.AVERAGED, f"a sample is the mean of {calls} calls: tails look better", True
        )


def _told(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield a doubt about figures that cannot be checked against the calls they are of."""
    said = sorted({launch.details.sums_as for launch in launches if launch.details.sums})
    if said:
        yield Flag(FlagKind.AS_TOLD, f"{'; '.join(said)}: no interval can be given", caps=True)


def _engines(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield that an engine was built anew: another engine may answer and time differently."""
    told = [launch.details.engine_rebuilt for launch in launches]
    again = [text for text in told if text is not None]
    if again:
        yield Flag(FlagKind.ENGINE_REBUILT, f"{again[0]} ({len(again)} launches)", caps=False)


def _arrivals(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield a doubt about calls that arrive faster than they are served, or nearly so.

    From a load of 1 on the queue grows for as long as calls arrive, so that a percentile says
    how long the measurement was; close to 1 it takes longer to settle than a launch lasts.
    """
    paced = [
        launch
        for launch in launches
        if launch.cell.rate_per_s and launch.tracks_ns.get("service", launch.samples_ns).size
    ]
    if not paced:
        return
    cell = paced[0].cell
    rate = cell.rate_per_s or 0.0
    loads = [
        float(np.mean(launch.tracks_ns.get("service", launch.samples_ns)))
        * rate / 1e9 / cell.concurrency
        for launch in paced
    ]  # fmt: skip
    load = float(np.median(loads))
    told = [known for launch in paced if (known := launch.details.pacing) is not None]
    offered = sum(one.offered for one in told)
    unserved = offered - sum(one.completed for one in told)
    capacity = rate / load if load else math.inf
    evidence = f"{rate:g} calls a second arrive where {rounded(capacity)} can be served"
    if unserved:
        evidence += f"; {unserved} of {offered} calls were never begun"
    if load >= 1 or unserved:
        yield Flag(FlagKind.OVERLOADED, evidence, caps=True)
    elif load >= _NEARLY_FULL:
        yield Flag(
            FlagKind.NEAR_CAPACITY, f"{evidence}: a longer launch may wait longer", caps=False
        )


def _gone_back(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield that counters cannot tell what disturbed launches: they went back, or were gone."""
    found = [names for launch in launches if (names := _lost(launch))]
    if found:
        named = ", ".join(sorted(set().union(*found)))
        evidence = f"{named} went back, or was gone, in {len(found)} of {len(launches)} launches"
        yield Flag(FlagKind.COUNTERS_LOST, f"{evidence}: disturbances are not known", caps=True)


def _lost(launch: Launch) -> set[str]:
    before, after = launch.before, launch.after
    if before is None or after is None:
        return set()
    told = ((words, of(before), of(after)) for words, of in _COUNTERS.items())
    return {
        words
        for words, first, last in told
        if first is not None and (last is None or last < first - _BACKLASH.get(words, 0))
    }


def _gaps(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield a doubt about calls, one after another, that leave most of their time unaccounted for.

    Between two calls lie two clock readings and a store: some microseconds, more where the process
    waits for a processor.
    """
    shares = []
    for launch in launches:
        cell, count = launch.cell, launch.samples_ns.size
        one_by_one = cell.concurrency == 1 and cell.rate_per_s is None
        if not launch.elapsed_ns or not count or not one_by_one:
            continue
        gap_ns = launch.elapsed_ns - float(launch.samples_ns.sum(dtype=np.float64))
        shares.append(gap_ns / launch.elapsed_ns if gap_ns > _GAP_NS * count else 0.0)
    if shares and (middle := median(shares)) > _MOST_GAPS:
        evidence = f"{middle:.0%} of the time in which calls were timed lies in none of them"
        yield Flag(FlagKind.GAPS, f"{evidence} ({plural(len(shares), 'launch')})", caps=True)


def _moved(launch: Launch, of: Callable[[Conditions], int | None]) -> int | None:
    """Return by how much a counter went on; None: unknown, as of one that went back."""
    if launch.before is None or launch.after is None:
        return None
    before, after = of(launch.before), of(launch.after)
    return None if before is None or after is None or after < before else after - before


def _share(launch: Launch, part: Callable[[Conditions], int | None]) -> float | None:
    total = _moved(launch, lambda state: state.cpu_total_ticks)
    ticks = _moved(launch, part)
    return None if not total or ticks is None else ticks / total


def _foreign(launch: Launch) -> float | None:
    busy = _share(launch, lambda state: state.cpu_busy_ticks)
    own = _share(launch, lambda state: state.own_cpu_ticks)
    return None if busy is None or own is None else max(0.0, busy - own)


def _steal(launch: Launch) -> float | None:
    return _share(launch, lambda state: state.cpu_steal_ticks)


def _pressure(launch: Launch) -> float | None:
    waited = _moved(launch, lambda state: state.pressure_cpu_us)
    if waited is None or launch.before is None or launch.after is None:
        return None
    passed_us = (launch.after.at_ns - launch.before.at_ns) / 1000
    return waited / passed_us if passed_us > 0 else None
