"""How much of a cell's wall time is measuring: launches of standard effort over their own work."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchhub.model.asked import EFFORTS
from benchhub.ondevice.wire import Outcome
from benchhub.stats.interval import Estimate, median_interval
from benchmarks.claim import Claim, compared
from benchmarks.quickstart import Bench, bench

AT_MOST = 1.15
BACKENDS = ("onnxruntime", "openvino")


@dataclass(frozen=True, slots=True)
class Size:
    """How many cells of standard effort each backend gets, and what a launch does."""

    cells: int = 3
    launches: int = EFFORTS["standard"].launches
    iterations: int = EFFORTS["standard"].iterations
    backends: tuple[str, ...] = BACKENDS


def measure(size: Size | None = None) -> list[Claim]:
    """Return one claim a backend: spawn to reaped, and what lies between, over timed work."""
    size = size or Size()
    shares: dict[str, list[tuple[float, float]]] = {backend: [] for backend in size.backends}
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as here:
        for _ in range(size.cells):
            for backend in size.backends:
                shares[backend].append(_cell(here, backend, size))
    return [_claim(backend, found) for backend, found in shares.items()]


def _cell(here: Bench, backend: str, size: Size) -> tuple[float, float]:
    """Return the cell's wall time and the sum of its launches' own work, in seconds."""
    started = time.perf_counter_ns()
    outcomes = [here.launch(backend, iterations=size.iterations) for _ in range(size.launches)]
    wall_ns = time.perf_counter_ns() - started
    return wall_ns / 1e9, sum(_work_ns(outcome) for outcome in outcomes) / 1e9


def _work_ns(outcome: Outcome) -> int:
    """Return the import, the load and every call that was timed, the first and warm-up too."""
    parts = (outcome.import_ns, outcome.load_ns, outcome.first_inference_ns, outcome.elapsed_ns)
    return sum(part or 0 for part in parts) + sum(outcome.warmup_ns)


def _claim(backend: str, found: list[tuple[float, float]]) -> Claim:
    ratio: Estimate = median_interval([wall / work for wall, work in found])
    walls, works = zip(*found, strict=True)
    return compared(
        f"wall time of a latency cell, {backend}",
        f"{min(walls):.2f} s",
        f"its import + load + timed calls {min(works):.2f} s",
        ratio,
        at_most=AT_MOST,
    )
