"""Sets variants against the baseline: speed-ups paired by round, and the Pareto front; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from benchhub.model import BY_DEFINITION, Launch, Row, Scenario
from benchhub.stats.paired import paired_ratio

#: Device, backend, variant.
Choice = tuple[str, str, str]


def compare(
    rows: Sequence[Row], launches: Iterable[Launch], baseline: str
) -> tuple[Row, ...]:  # fmt: skip
    """Return the rows with `speedup` and its limits: above 1 is faster than the baseline.

    A latency row is compared by the medians of its launches, a throughput row by their rates,
    with the baseline on the same device, backend, batch and threads, launches of one round in a
    pair. Rows without such a baseline keep empty columns, with the reason in `withheld`; the
    baseline itself has 1 by definition, without limits; the null backend has none.
    """
    by_cell: dict[str, list[Launch]] = defaultdict(list)
    for launch in launches:
        if launch.status == "finished" and launch.samples_ns.size:
            by_cell[launch.cell.key].append(launch)
    bases = {_settings(row): row for row in rows if row.variant == baseline}
    return tuple(_compared(row, bases.get(_settings(row)), by_cell) for row in rows)


def pareto(rows: Sequence[Row]) -> frozenset[Choice]:
    """Return, of each device, the choices that no other one beats in both speed and loss.

    A choice has the smallest p50 of its latency rows and its quality loss. Failed, garbage and
    unjudged cells are no choices, and devices are not set against one another.
    """
    best: dict[Choice, tuple[float, float]] = {}
    for row in rows:
        if row.scenario != Scenario.LATENCY or row.p50_ms is None or row.quality_loss is None:
            continue
        if row.status != "finished" or any(flag.name == "garbage" for flag in row.flags):
            continue
        choice = (row.device, row.backend, row.variant)
        found = (row.p50_ms, row.quality_loss)
        best[choice] = min(found, best.get(choice, found))
    return frozenset(
        choice
        for choice, mine in best.items()
        if not any(other[0] == choice[0] and _beats(theirs, mine) for other, theirs in best.items())
    )


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def _settings(row: Row) -> tuple[str, str, str, int, int]:
    return row.device, row.backend, row.scenario, row.batch, row.threads


def _compared(row: Row, base: Row | None, by_cell: dict[str, list[Launch]]) -> Row:
    timed = row.scenario in (Scenario.LATENCY, Scenario.THROUGHPUT)
    if not timed or row.status != "finished" or not row.model_sha256:
        return row
    if base is None or base.status != "finished":
        why = "n/a: the baseline was not measured with these settings"
        return replace(row, withheld={**row.withheld, "speedup": why})
    if base is row:
        itself = {"low": None, "high": None, "method": BY_DEFINITION}
        return replace(row, speedup=1.0, intervals={**row.intervals, "speedup": itself})
    cost = _median_ns if row.scenario == Scenario.LATENCY else _ns_per_call
    pairs = _pairs(by_cell[base.cell], by_cell[row.cell], cost)
    if not pairs:
        why = "n/a: no round in which both this variant and the baseline finished a launch"
        return replace(row, withheld={**row.withheld, "speedup": why})
    ratio = paired_ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    described = {
        "low": ratio.low, "high": ratio.high, "confidence": ratio.confidence,
        "n_eff": ratio.n, "method": ratio.method,
    }  # fmt: skip
    return replace(
        row,
        speedup=ratio.estimate,
        speedup_low=ratio.low,
        speedup_high=ratio.high,
        intervals={**row.intervals, "speedup": described},
    )


def _pairs(
    base: Sequence[Launch], other: Sequence[Launch], cost: Callable[[Launch], float]
) -> list[tuple[float, float]]:
    """Pair launches of one round; a resumed run counts rounds anew, so by order within it too."""
    mine, theirs = _by_round(base), _by_round(other)
    pairs = [
        (cost(one), cost(two))
        for number in sorted(mine.keys() & theirs.keys())
        for one, two in zip(mine[number], theirs[number], strict=False)
    ]
    return [pair for pair in pairs if min(pair) > 0]


def _by_round(launches: Sequence[Launch]) -> dict[int, list[Launch]]:
    rounds: dict[int, list[Launch]] = defaultdict(list)
    for launch in sorted(launches, key=lambda one: one.started_at):
        rounds[launch.round].append(launch)
    return rounds


def _median_ns(launch: Launch) -> float:
    return float(np.median(launch.samples_ns))


def _ns_per_call(launch: Launch) -> float:
    return (launch.elapsed_ns or 0) / launch.samples_ns.size
