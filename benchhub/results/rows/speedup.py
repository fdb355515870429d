"""Sets variants against their base: speed-ups paired by round, and the Pareto front; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchhub.model.cell import Cell, Variant
from benchhub.model.launch import Launch
from benchhub.model.row import BY_DEFINITION, Row
from benchhub.model.scenario import Scenario
from benchhub.stats.paired import paired_ratio
from benchhub.stats.samples import launch_medians

#: Device, backend, variant.
Choice = tuple[str, str, str]


def compare(
    rows: Sequence[Row],
    launches: Iterable[Launch],
    baseline: str,
    variants: Iterable[Variant] = (),
) -> tuple[Row, ...]:
    """Return the rows with `speedup` and its limits: above 1 is faster than the base variant.

    The base is what the variant names in `against`, else `baseline`, on the same device and
    backend and under the same settings: batch, threads, concurrency, precision, options. A latency
    row is compared by the medians of its launches, a throughput row by their rates, launches of
    one round in a pair. Rows without such a base keep empty columns, with the reason in
    `withheld`; so do paced rows, whose latency is mostly the wait that their rate makes. The base
    has 1 by definition, without limits; the null backend has none. `intervals["speedup"]` names
    the base in `against`.
    """
    by_cell: dict[str, list[Launch]] = defaultdict(list)
    cells: dict[str, Cell] = {}
    for launch in launches:
        cells[launch.cell.key] = launch.cell
        if launch.status == "finished" and launch.samples_ns.size:
            by_cell[launch.cell.key].append(launch)
    against = {v.name: v.against for v in variants if v.against}
    known = {_settings(row, cells): row for row in rows}

    def base_of(row: Row) -> tuple[str, Row | None]:
        settings = _settings(row, cells)[1:]
        name = against.get(row.variant, baseline)
        found = known.get((name, *settings))
        if found is None and row.variant in against.values():
            return row.variant, row  # the base of others, and nothing that it could be held to
        return name, found

    return tuple(_compared(row, *base_of(row), by_cell) for row in rows)


def pareto(rows: Sequence[Row]) -> frozenset[Choice]:
    """Return, of each device, the choices that no other one beats in both speed and loss.

    A choice has the smallest p50 of its latency rows at the device's smallest batch, and its
    quality loss. Failed, garbage and unjudged cells are no choices, devices are not set against
    one another, and an emulated device has no choices: its times are of instructions.
    """
    best: dict[Choice, tuple[float, float]] = {}
    timed = [row for row in rows if row.scenario == Scenario.LATENCY and not row.emulated]
    for row in timed:
        if row.p50_ms is None or row.quality_loss is None:
            continue
        if row.batch != min(other.batch for other in timed if other.device == row.device):
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


def _settings(row: Row, cells: Mapping[str, Cell]) -> tuple[Any, ...]:
    # The cell knows what precision was asked for; a row shows what the backend says it used.
    cell = cells.get(row.cell)
    precision = cell.precision if cell else row.precision
    return (
        row.variant, row.device, row.backend, row.scenario, row.batch, row.threads,
        row.concurrency, row.rate_per_s, precision, row.options,
    )  # fmt: skip


def _compared(row: Row, name: str, base: Row | None, by_cell: dict[str, list[Launch]]) -> Row:
    if row.status != "finished" or not row.model_sha256:
        return row
    if row.scenario == Scenario.PACED:
        why = "n/a: paced calls wait for one another; compare service times, or the highest rate"
        return replace(row, withheld={**row.withheld, "speedup": why})
    if row.scenario not in (Scenario.LATENCY, Scenario.THROUGHPUT):
        return row
    if base is None or base.status != "finished":
        why = f"n/a: the baseline was not measured with these settings ({name} on {row.backend})"
        return replace(row, withheld={**row.withheld, "speedup": why})
    if base is row:
        itself = {"low": None, "high": None, "method": BY_DEFINITION, "against": name}
        return replace(row, speedup=1.0, intervals={**row.intervals, "speedup": itself})
    drop = max(one.provenance.get("warmup_dropped", 0) for one in (row, base))
    costs = _rates_ns if row.scenario == Scenario.THROUGHPUT else partial(_medians_ns, drop=drop)
    pairs = _pairs(by_cell[base.cell], by_cell[row.cell], costs)
    if not pairs:
        why = "n/a: no round in which both this variant and the baseline finished a launch"
        return replace(row, withheld={**row.withheld, "speedup": why})
    ratio = paired_ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    described = {
        "low": ratio.low, "high": ratio.high, "confidence": ratio.confidence,
        "n_eff": ratio.n, "method": ratio.method, "against": name,
    }  # fmt: skip
    return replace(
        row,
        speedup=ratio.estimate,
        speedup_low=ratio.low,
        speedup_high=ratio.high,
        intervals={**row.intervals, "speedup": described},
    )


def _pairs(
    base: Sequence[Launch],
    other: Sequence[Launch],
    costs: Callable[[Sequence[Launch]], list[float]],
) -> list[tuple[float, float]]:
    """Pair launches of one round; a resumed run counts rounds anew, so by order within it too."""
    mine, theirs = _by_round(base), _by_round(other)
    pairs = [
        pair
        for number in sorted(mine.keys() & theirs.keys())
        for pair in zip(mine[number], theirs[number], strict=False)
    ]
    both = (costs([pair[side] for pair in pairs]) for side in (0, 1))
    return [pair for pair in zip(*both, strict=True) if min(pair) > 0]


def _by_round(launches: Sequence[Launch]) -> dict[int, list[Launch]]:
    rounds: dict[int, list[Launch]] = defaultdict(list)
    for launch in sorted(launches, key=lambda one: one.started_at):
        rounds[launch.round].append(launch)
    return rounds


def _medians_ns(launches: Sequence[Launch], drop: int) -> list[float]:
    # A launch that its limit of seconds ended within the warm-up has nothing else to tell.
    steady = [one.samples_ns[drop:] if one.samples_ns.size > drop else one.samples_ns
              for one in launches]  # fmt: skip
    found: list[float] = launch_medians(steady).tolist()
    return found


def _rates_ns(launches: Sequence[Launch]) -> list[float]:
    return [(one.elapsed_ns or 0) / one.samples_ns.size for one in launches]
