"""Sets variants against their base: speed-ups paired by round; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchhub.model.cell import Cell, Variant
from benchhub.model.figure import BY_DEFINITION, Figure, Interval
from benchhub.model.scenario import Scenario
from benchhub.results.rows.launch_values import NS_PER_MS
from benchhub.results.rows.measured import Measured
from benchhub.stats.interval import Estimate
from benchhub.stats.paired import paired_ratio

_COMPARED = (Scenario.LATENCY, Scenario.THROUGHPUT)


def speedups(
    cells: Sequence[Measured], baseline: str, variants: Iterable[Variant] = ()
) -> dict[str, Figure]:
    """Return the speed-ups by cell key: above 1 is faster than the base variant.

    The base is what the variant names in `against`, else `baseline`, on the same device and
    backend and under the same settings: batch, threads, concurrency, precision, options. A latency
    cell is compared by the medians of its launches, a throughput cell by their rates, launches of
    one round in a pair. Cells without such a base have none, and say why; so do paced cells, whose
    latency is mostly the wait that their rate makes, and one pair of launches whose median, or the
    base's, is withheld: pairs cancel the drift that hides a median, and one shows none. The base
    has 1 by definition, without limits; the null backend has none.
    """
    against = {v.name: v.against for v in variants if v.against}
    known = {_settings(one.cell): one for one in cells}

    def base_of(cell: Cell) -> tuple[str, Measured | None]:
        settings = _settings(cell)
        name = against.get(cell.variant, baseline)
        found = known.get((name, *settings[1:]))
        if found is None and cell.variant in against.values():
            return cell.variant, known[settings]  # the base of others, and held to nothing
        return name, found

    return {
        one.cell.key: figure
        for one in cells
        if (figure := _compared(one, *base_of(one.cell))) is not None
    }


def round_medians_ms(of: Measured) -> tuple[tuple[int, float], ...]:
    """Return the medians of a latency cell's launches, each with its round; empty for others."""
    if of.cell.scenario is not Scenario.LATENCY or of.status != "finished":
        return ()
    return tuple(
        (one.round, one.median_ns / NS_PER_MS)
        for one in sorted(of.timed, key=lambda one: one.round)
        if one.median_ns > 0
    )


def _settings(cell: Cell) -> tuple[Any, ...]:
    return (
        cell.variant, cell.device, cell.backend, cell.scenario, cell.batch, cell.threads,
        cell.concurrency, cell.rate_per_s, cell.precision, cell.options, cell.shapes,
    )  # fmt: skip


def _compared(one: Measured, name: str, base: Measured | None) -> Figure | None:
    cell = one.cell
    if one.status != "finished" or not cell.runs_model:
        return None
    if cell.scenario is Scenario.PACED:
        why = "paced calls wait for one another; compare service times, or the highest rate"
        return Figure(withheld=why)
    if cell.scenario not in _COMPARED:
        return None
    if base is None or base.status != "finished":
        why = f"the baseline was not measured with these settings ({name} on {cell.backend})"
        return Figure(withheld=why)
    if base is one:
        return Figure(1.0, Interval(None, None, BY_DEFINITION, against=name))
    ratio = times_as_fast(one, base)
    if ratio is None:
        why = "no round in which both this variant and the baseline finished a launch"
        return Figure(withheld=why)
    for whose, of in (("its", one), ("the baseline's", base)):
        told = of.figures.get("p50_ms")
        if ratio.n < 2 and told is not None and told.value is None:
            why = f"one pair of launches, and {whose} median is not known: {told.withheld}"
            return Figure(withheld=why)
    interval = Interval(
        ratio.low, ratio.high, ratio.method, ratio.confidence, ratio.n, against=name
    )
    return Figure(ratio.estimate, interval)


def times_as_fast(one: Measured, base: Measured, confidence: float = 0.95) -> Estimate | None:
    """Return how many times as fast as `base` a cell is, launches of one round in pairs.

    By the medians of launches, or their rates in throughput cells; None: no round has both.
    """
    pairs = _pairs(base, one, one.cell.scenario is Scenario.THROUGHPUT)
    if not pairs:
        return None
    return paired_ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs], confidence)


def _pairs(base: Measured, other: Measured, rates: bool) -> list[tuple[float, float]]:
    """Pair launches of one round; a resumed run counts rounds anew, so by order within it too."""
    drop = max(base.dropped, other.dropped)
    mine, theirs = (_by_round(one, drop, rates) for one in (base, other))
    return [
        pair
        for number in sorted(mine.keys() & theirs.keys())
        for pair in zip(mine[number], theirs[number], strict=False)
        if min(pair) > 0
    ]


def _by_round(one: Measured, drop: int, rates: bool) -> Mapping[int, list[float]]:
    costs = [timed.rate_ns for timed in one.timed] if rates else one.medians_ns(drop)
    rounds: dict[int, list[float]] = defaultdict(list)
    for timed, cost in zip(one.timed, costs, strict=False):
        rounds[timed.round].append(cost)
    return rounds
