"""What a comparison of two models found, anew from its launches in the store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.cell import Cell, Variant
from benchhub.model.flag import Flag
from benchhub.model.launch import Launch
from benchhub.model.request import ABRequest
from benchhub.ondevice.wire import Failure
from benchhub.results.compare.ab import look
from benchhub.results.rows.flags import flags
from benchhub.stats.paired_ab import STATISTICS, ABDecision
from benchhub.store import Store
from benchhub.store.reached import Tried, reached


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its cell, what it is, its finished launches and the statistics, in ms."""

    cell: Cell
    variant: Variant
    launches: tuple[Launch, ...]
    typical_ms: Mapping[str, float]
    failure: str | None


@dataclass(frozen=True, slots=True)
class ABComparison:
    """What a comparison found. `doubts` are the flags of both sides.

    `outputs_differ` is the largest difference of the devices' own outputs; None: not told, inf:
    not comparable. `dropped` iterations at the start of each launch were left out as warm-up.
    """

    run: str
    a: Side
    b: Side
    decision: ABDecision
    doubts: tuple[Flag, ...]
    outputs_differ: float | None
    dropped: int
    emulated: bool


def compare_sides(store: Store, run: str, request: ABRequest) -> ABComparison:
    """Return what a comparison that was measured found, anew from its launches."""
    launches = list(store.launches(run))
    by_cell: dict[str, list[Launch]] = {}
    for launch in launches:
        by_cell.setdefault(launch.cell.key, []).append(launch)
    variants = {variant.name: variant for variant in store.variants(run)}
    failed = reached(map(Tried.at, launches)).failed
    a, b = (
        _side(cell, variants[cell.variant], by_cell.get(cell.key, []), failed.get(cell.key))
        for cell in store.plan(run).cells
    )
    samples = [[launch.samples_ns for launch in side.launches] for side in (a, b)]
    decision, drop = look(samples[0], samples[1], request, final=True)
    a, b = (dataclasses.replace(side, typical_ms=_typical(side.launches, drop)) for side in (a, b))
    doubts: dict[str, Flag] = {}
    for side in (a, b):
        for flag in flags(side.launches) if side.launches else ():
            evidence = f"{flag.evidence} ({side.variant.name})"
            doubts.setdefault(flag.name, dataclasses.replace(flag, evidence=evidence))
    return ABComparison(
        run=run,
        a=a,
        b=b,
        decision=decision,
        doubts=tuple(doubts.values()),
        outputs_differ=_difference(a.launches, b.launches),
        dropped=drop,
        emulated=any(device.emulated for device in store.devices(run)),
    )


def _side(
    cell: Cell, variant: Variant, launches: Sequence[Launch], failure: Failure | None
) -> Side:
    finished = tuple(
        sorted((one for one in launches if one.status == "finished"), key=lambda one: one.index)
    )
    told = f"{failure.stage}: {failure.kind}: {failure.message}" if failure else None
    return Side(cell, variant, finished, {}, told)


def _typical(launches: Sequence[Launch], drop: int) -> dict[str, float]:
    """Return the median over launches of each statistic, in ms; empty without launches."""
    steady = [one.samples_ns[drop:] for one in launches if one.samples_ns.size > drop]
    return {
        name: float(np.median([np.quantile(samples, q) for samples in steady])) / 1e6
        for name, q in STATISTICS.items()
        if steady
    }


def _difference(a: Sequence[Launch], b: Sequence[Launch]) -> float | None:
    """Return the largest difference of outputs; inf where one is finite and the other is not."""
    if not (a and b and a[0].outputs and b[0].outputs):
        return None
    largest = 0.0
    for one, other in zip(a[0].outputs, b[0].outputs, strict=False):
        if one.shape != other.shape:
            return math.inf
        mine, theirs = one.astype(np.float64), other.astype(np.float64)
        finite = np.isfinite(mine) & np.isfinite(theirs)
        if not np.array_equal(mine[~finite], theirs[~finite], equal_nan=True):
            return math.inf
        gap = np.abs(mine[finite] - theirs[finite])
        largest = max(largest, float(gap.max(initial=0.0)))
    return largest
