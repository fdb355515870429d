"""How late paced calls begin that have nothing to wait for, beside a plain sleep."""

from __future__ import annotations

import statistics
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from benchhub.ondevice.backends import LoadOptions, null
from benchhub.ondevice.measure.concurrent import Crew
from benchhub.ondevice.measure.paced import schedule, time_paced, wait_until
from benchhub.stats.interval import median_interval
from benchmarks.claim import Claim, compared, paired

LIMIT_NS = 20_000.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 15
    calls: int = 400
    rate_per_s: float = 400.0


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; both sides serve the same arrivals, in turn every round."""
    size = size or Size()
    ours: list[float] = []
    ours_p99: list[float] = []
    plain: list[float] = []
    plain_p99: list[float] = []
    for number in range(size.rounds):
        due = schedule(size.rate_per_s, "poisson", number, size.calls, 1, 10**12)
        for medians, tails, wait in ((ours, ours_p99, wait_until), (plain, plain_p99, _sleep)):
            late = sorted(_served(due, wait))
            medians.append(late[len(late) // 2])
            tails.append(late[len(late) * 99 // 100])
    told = f"{statistics.median(ours) / 1e3:.1f} us, p99 {statistics.median(ours_p99) / 1e3:.0f} us"
    other = f"{statistics.median(plain) / 1e3:.0f} us, p99 {statistics.median(plain_p99) / 1e3:.0f}"
    return [
        compared(
            "paced: median lateness of a start, as a share of 20 us",
            told,
            "20 us allowed",
            median_interval([value / LIMIT_NS for value in ours]),
            at_most=1.0,
        ),
        compared(
            "paced: p99 lateness of a start, against a plain sleep's",
            told,
            f"time.sleep {other} us",
            paired(ours_p99, plain_p99),
        ),
    ]


def _served(due: array[int], wait: Callable[[int, Callable[[], int]], int]) -> array[int]:
    call = null.load(None, LoadOptions(format="none")).bind({})
    return time_paced(Crew(1), [call], due, time.perf_counter_ns, 10**12, wait=wait).late


def _sleep(due: int, clock: Callable[[], int]) -> int:
    while (left := due - clock()) > 0:
        time.sleep(left / 1e9)
    return clock()
