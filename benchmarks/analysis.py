"""What the statistics cost: one cell analysed, and a run of many summarised."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch
from benchhub.results.rows.rows import summarize
from benchhub.stats.interval import Estimate
from benchmarks.claim import Claim, compared
from benchmarks.results_store import Size, cells, chunks, run

#: In seconds of processor time, of one process.
CELL_S, RUN_S = 0.020, 5.0


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is analysed; `most` launches are those of a rigorous cell, `usual` of others."""

    cells: int = 500
    usual: int = 16
    most: int = 40
    samples: int = 200


def measure(amount: Amount | None = None) -> list[Claim]:
    """Return the claims: seconds of processor time against plain quantiles; a limit in seconds."""
    amount = amount or Amount()
    claims = [_claim("one cell", Amount(1, amount.most, amount.most, amount.samples), CELL_S, 20)]
    for launches, allowed_s in ((amount.usual, RUN_S), (amount.most, math.inf)):
        size = Amount(amount.cells, launches, launches, amount.samples)
        claims.append(_claim(f"a run of {amount.cells} cells", size, allowed_s, 1))
    return claims


def _claim(what: str, amount: Amount, allowed_s: float, times: int) -> Claim:
    launches = amount.usual
    size = Size(amount.cells * launches, amount.samples, launches, amount.cells * launches)
    planned, made = cells(size), chunks(cells(size), size)[0]
    _summarized(
        planned[:1], [one for one in made if one.cell == planned[0]]
    )  # tables are made once
    ours = [_timed(lambda: _summarized(planned, made)) for _ in range(times)]
    plain = [_timed(lambda: _quantiles(planned, made)) for _ in range(times)]
    seconds, peer = float(np.median(ours)), float(np.median(plain))
    return compared(
        f"{what} of {launches} x {amount.samples} samples: warm-up, drift, percentiles, looks",
        f"{seconds:.3g} s of processor time",
        f"numpy.quantile alone {peer:.3g} s",
        Estimate(seconds / peer, None, None, 1, 0.0, "single"),
        at_most=allowed_s / peer,
        target=f"<= {allowed_s:g} s" if math.isfinite(allowed_s) else "",
    )


def _timed(work: object) -> float:
    assert callable(work)
    started = time.process_time()
    work()
    return time.process_time() - started


def _summarized(planned: tuple[Cell, ...], launches: list[Launch]) -> None:
    device = DeviceInfo("board", "ssh", emulated=False)
    summarize(run(), planned, launches, (), (device,))


def _quantiles(planned: tuple[Cell, ...], launches: list[Launch]) -> None:
    by_cell: dict[str, list[Launch]] = {cell.key: [] for cell in planned}
    for launch in launches:
        by_cell[launch.cell.key].append(launch)
    for found in by_cell.values():
        pooled = np.concatenate([launch.samples_ns for launch in found])
        np.quantile(pooled, [0.5, 0.9, 0.95, 0.99])
