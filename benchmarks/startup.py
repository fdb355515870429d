"""How long `benchhub --help` takes, beside an interpreter that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from benchhub.stats.interval import median_interval
from benchmarks.claim import Claim, compared, paired

LIMIT_S = 0.3


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 21


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims about the command line's start."""
    size = size or Size()
    _timed_s("-m", "benchhub", "--help")  # fills the cache of compiled modules
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(size.rounds):
        ours.append(_timed_s("-m", "benchhub", "--help"))
        bare.append(_timed_s("-c", "pass"))
    middle = f"{statistics.median(ours) * 1e3:.0f} ms"
    return [
        compared(
            "benchhub --help, as a share of 0.3 s",
            middle,
            "300 ms allowed",
            median_interval([value / LIMIT_S for value in ours]),
            at_most=1.0,
        ),
        compared(
            "benchhub --help, against python -c pass",
            middle,
            f"python -c pass {statistics.median(bare) * 1e3:.0f} ms",
            paired(ours, bare),
        ),
    ]


def _timed_s(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started
