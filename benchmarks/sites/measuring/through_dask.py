"""A small fleet in earnest: threads that ask through dask, read the lines, and commit to a server.

What the simulation is held against. Devices only wait; all else is done: two calls a launch,
reading and checking of its lines, a transaction.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from benchhub.store import Store
from benchmarks.sites.measuring import commits, reading, tasks
from benchmarks.sites.measuring.cluster import running
from benchmarks.sites.measuring.run_queue import RunQueue

_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Amount:
    """So many devices at so many sites, each with so many launches of so many seconds."""

    devices: int
    launches: int
    launch_s: float
    sites: int = 2


def measure(amounts: tuple[Amount, ...]) -> list[dict[str, Any]]:
    """Return for each amount how long it took, and what a launch cost each process."""
    points = []
    with commits._server() as (url, _), Store.open(url) as store:
        for amount in amounts:
            with running(amount.sites) as there:
                points.append(_run(amount, store, there))
    return points


def _run(amount: Amount, store: Store, there: Any) -> dict[str, Any]:
    name, request = commits._new(store), bytes(tasks.REQUEST_BYTES)
    job, total = reading.job_of(_SAMPLES), amount.devices * amount.launches
    made = commits.made(name, 0, total)

    def call(site: int, function: Any, *arguments: Any) -> Any:
        wanted = {f"site-{site}": 1}
        return there.client.submit(function, *arguments, pure=False, resources=wanted).result()

    def device(number: int) -> None:
        site = number % amount.sites
        for step in range(amount.launches):
            call(site, tasks.answered, request, tasks.TAKEN_BYTES)
            reading.read(call(site, tasks.lines_of, amount.launch_s, _SAMPLES), job)
            store.add(made[number * amount.launches + step])

    for site in range(amount.sites):
        call(site, tasks.lines_of, 0.0, _SAMPLES)
    threads = [threading.Thread(target=device, args=(n,)) for n in range(amount.devices)]
    ids = [os.getpid(), there.scheduler.pid, *(worker.pid for worker in there.workers)]
    with RunQueue(lambda: ids) as queue:
        before, began = there.cpu_s(), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall_s, after = time.perf_counter() - began, there.cpu_s()
    spent = [1e3 * (b - a) / total for a, b in zip(before, after, strict=True)]
    return {
        "devices": amount.devices, "launches": amount.launches, "launch_s": amount.launch_s,
        "sites": amount.sites, "wall_s": wall_s, "client_stretch": queue.stretch(ids[0]),
        "scheduler_stretch": queue.stretch(ids[1]), "worker_stretch": queue.stretch(ids[2]),
        "client_ms": spent[0], "scheduler_ms": spent[1], "worker_ms": spent[2],
    }  # fmt: skip
