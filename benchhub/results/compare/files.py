"""Which of several model files is faster, or that it cannot be told; pure.

Files are held against each other in launches of one round. On each device and at each setting the
fastest is chosen by its median, so each of its leads is an interval at a confidence that allows for
every pair that could have been chosen (Bonferroni, see `stats.widened` for its source).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchhub.model.cell import Cell
from benchhub.model.row import Lead, Race
from benchhub.model.scenario import Scenario
from benchhub.results.rows.measured import Launches, Measured, measured
from benchhub.results.rows.speedup import times_as_fast
from benchhub.stats.interval import launches_to_tell

_CONFIDENCE = 0.95


def races(cells: Sequence[Cell], launches: Launches) -> tuple[Race, ...]:
    """Return a race for each device, setting and backend that ran two files or more.

    Where the files' fastest backends or options are not one and the same, there is one over these,
    too. `launches` are those of each cell.
    """
    groups: dict[tuple[object, ...], list[Measured]] = {}
    for cell, place in _places(cells):
        if cell.scenario is not Scenario.LATENCY or not cell.runs_model:
            continue
        one = measured(cell, launches(cell), None, again=partial(launches, cell))
        if one.status == "finished" and one.timed:
            key = (cell.device, cell.threads, cell.batch, cell.precision, place)
            groups.setdefault(key, []).append(one)
    return tuple(race for group in groups.values() for race in _races(group))


def _places(cells: Sequence[Cell]) -> Iterator[tuple[Cell, int]]:
    """Yield cells with the place of their shapes among those of their file and batch."""
    seen: dict[tuple[str, int], list[str]] = {}
    for cell in cells:
        known = seen.setdefault((cell.variant, cell.batch), [])
        if cell.shapes not in known:
            known.append(cell.shapes)
        yield cell, known.index(cell.shapes)


def _races(group: Sequence[Measured]) -> Iterator[Race]:
    alike: dict[tuple[str, str], list[Measured]] = {}
    for one in group:
        alike.setdefault((one.cell.backend, one.cell.options), []).append(one)
    for (backend, _), mine in alike.items():
        if (race := _race(mine, backend, len(mine))) is not None:
            yield race
    best: dict[str, Measured] = {}
    for one in group:
        known = best.setdefault(one.cell.variant, one)
        if _median_ns(one) < _median_ns(known):
            best[one.cell.variant] = one
    if len({(one.cell.backend, one.cell.options) for one in best.values()}) > 1:
        race = _race(list(best.values()), None, len(group))
        if race is not None:
            yield race


def _race(mine: Sequence[Measured], backend: str | None, tried: int) -> Race | None:
    if len({one.cell.variant for one in mine}) < 2:
        return None
    fastest = min(mine, key=_median_ns)
    confidence = 1 - (1 - _CONFIDENCE) / (tried * (tried - 1) // 2)
    leads = []
    for other in sorted(mine, key=_median_ns):
        if other is fastest:
            continue
        ratio = times_as_fast(fastest, other, confidence)
        if ratio is not None:
            told = launches_to_tell(ratio)
            leads.append(Lead(other.cell, ratio.estimate, ratio.low, ratio.high, told))
    return Race(fastest.cell, tuple(leads), backend) if leads else None


def _median_ns(one: Measured) -> float:
    """Return what orders them: also where too few launches bound no median that is shown."""
    return float(np.median(one.medians_ns(0)))
