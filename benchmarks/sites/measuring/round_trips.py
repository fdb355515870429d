"""A call through dask: how long it takes, and what it costs each of the processes on its way."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.sites.measuring import tasks
from benchmarks.sites.measuring.cluster import Running, running


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is asked: so many calls at a time, by as many threads at once, of so many sites."""

    calls: int = 1000
    points: tuple[tuple[int, tuple[int, ...]], ...] = ((1, (1, 100, 500)), (4, (100,)))
    repeats: int = 3


def measure(amount: Amount) -> list[dict[str, Any]]:
    """Return a point for each number of sites and of calls outstanding.

    Of several measurements that with the least processor time: what other programs do to the
    caches can only add to it.
    """
    points = []
    for sites, outstandings in amount.points:
        for direct in (False, True):
            with running(sites, direct) as there:
                _asked(there, 200, 20, tasks.ANSWER_BYTES)
                for outstanding in outstandings:
                    calls = amount.calls if outstanding > 1 else amount.calls // 4
                    for size in (tasks.TAKEN_BYTES, tasks.ANSWER_BYTES):
                        found = min(
                            (
                                _asked(there, calls, outstanding, size)
                                for _ in range(amount.repeats)
                            ),
                            key=lambda one: one.client_ms + one.scheduler_ms + one.worker_ms,
                        )
                        points.append({"sites": sites, "direct": direct, **asdict(found)})
    return points


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of some calls: wall-clock figures, and processor time of a call."""

    outstanding: int
    answer_bytes: int
    calls: int
    calls_per_s: float
    median_ms: float
    p95_ms: float
    client_ms: float
    scheduler_ms: float
    worker_ms: float


def _cpu_ms(one: Found) -> float:
    return one.client_ms + one.scheduler_ms + one.worker_ms


def _asked(there: Running, calls: int, outstanding: int, answer_bytes: int) -> Found:
    request, sites = bytes(tasks.REQUEST_BYTES), len(there.workers)
    took_s: list[float] = []
    lock = threading.Lock()

    def ask(first: int) -> None:
        mine = []
        for number in range(first, calls, outstanding):
            began = time.perf_counter()
            there.client.submit(
                tasks.answered, request, answer_bytes,
                pure=False, resources={f"site-{number % sites}": 1},
            ).result()  # fmt: skip
            mine.append(time.perf_counter() - began)
        with lock:
            took_s.extend(mine)

    before, began = there.cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(outstanding) as threads:
        list(threads.map(ask, range(outstanding)))
    wall_s, after = time.perf_counter() - began, there.cpu_s()
    client, scheduler, workers = (1e3 * (b - a) / calls for a, b in zip(before, after, strict=True))
    took_s.sort()
    return Found(
        outstanding=outstanding, answer_bytes=answer_bytes, calls=calls,
        calls_per_s=calls / wall_s, median_ms=1e3 * statistics.median(took_s),
        p95_ms=1e3 * took_s[int(0.95 * len(took_s))], client_ms=client,
        scheduler_ms=scheduler, worker_ms=workers,
    )  # fmt: skip
