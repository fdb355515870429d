"""A launch into the store: alone or several in a transaction, by threads and by processes.

`python -m benchmarks.sites.measuring.commits URL RUN WRITERS LAUNCHES` is one such process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa

from benchhub.model.cell import Plan
from benchhub.model.launch import Launch
from benchhub.store import Store, records, schema
from benchmarks.results_store import Size, cells, launch, run
from benchmarks.sites.measuring.cluster import ROOT

_SIZE = Size(launches=100_000, samples=200, per_cell=1000)
#: Milliseconds of each transaction, launches, processor seconds of the client, wall seconds.
Added = tuple[list[float], int, float, float]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is stored of each: by so many threads, in so many processes, so many at once."""

    launches: int = 1200
    writers: tuple[int, ...] = (1, 8, 32)
    processes: tuple[int, ...] = (2, 4)
    together: tuple[int, ...] = (10, 100)


def measure(amount: Amount) -> list[dict[str, Any]]:
    """Return a point for each way of adding launches of 200 samples, to a file and to a server."""
    points = []
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'launches.db'}"
        points += [{"store": "sqlite", **point} for point in _of(url, amount, None)]
    with _server() as (url, server):
        points += [{"store": "postgresql", **point} for point in _of(url, amount, server)]
    return points


@contextlib.contextmanager
def _server() -> Iterator[tuple[str, psutil.Process]]:
    """Give a PostgreSQL server with the settings that it comes with, and its process."""
    sys.path.insert(0, str(ROOT / "tests"))
    from postgresql.cluster import Cluster

    with Cluster(durable=True) as cluster:
        with cluster.connected() as connection:
            connection.execute("CREATE DATABASE launches")
        assert cluster.process is not None
        yield cluster.url("launches"), psutil.Process(cluster.process.pid)


def _of(url: str, amount: Amount, server: psutil.Process | None) -> Iterator[dict[str, Any]]:
    with Store.open(url) as store:
        for writers in amount.writers:
            yield _measured(
                {"writers": writers, "processes": 1, "together": 1},
                lambda: add(store, _new(store), writers, amount.launches),  # noqa: B023
                server,
            )
        for count in amount.together:
            yield _measured(
                {"writers": 1, "processes": 1, "together": count},
                lambda: _add_together(store, _new(store), count, amount.launches),  # noqa: B023
                server,
            )
        for processes in amount.processes if server else ():
            each = amount.launches // processes
            begun = [_begun(url, _new(store), each) for _ in range(processes)]
            yield _measured(
                {"writers": 4, "processes": processes, "together": 1},
                lambda: _released(begun),  # noqa: B023
                server,
            )


def _measured(
    what: dict[str, Any], work: Callable[[], Added], server: psutil.Process | None
) -> dict[str, Any]:
    """Do `work`, and return it with what it cost the server."""
    server_before = _cpu_s(server)
    took_ms, launches, client_s, wall_s = work()
    server_s = _cpu_s(server) - server_before
    ordered = sorted(took_ms)
    return {
        **what, "launches": launches, "launches_per_s": launches / wall_s,
        "median_ms": statistics.median(ordered), "p95_ms": ordered[int(0.95 * len(ordered))],
        "client_ms": 1e3 * client_s / launches, "server_ms": 1e3 * server_s / launches,
    }  # fmt: skip


def _cpu_s(server: psutil.Process | None) -> float:
    """Return the processor seconds of a server and of what it started, and of those that ended."""
    if server is None:
        return 0.0
    total = 0.0
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            taken = process.cpu_times()
            total += taken.user + taken.system
            if process == server:
                total += taken.children_user + taken.children_system
    return total


def _new(store: Store) -> str:
    name = f"20260101-120000-{len(store.runs()):04x}"
    store.create_run(dataclasses.replace(run(), id=name), Plan(cells(_SIZE), ()), None, (), ())
    return name


def made(name: str, first: int, count: int) -> list[Launch]:
    """Return launches of 200 samples, from the number `first` on."""
    planned, rng = cells(_SIZE), np.random.default_rng(first)
    found = []
    for step in range(first, first + count):
        index, cell = divmod(step, len(planned))
        found.append(dataclasses.replace(launch(planned[cell], index, cell, _SIZE, rng), run=name))
    return found


def add(store: Store, name: str, writers: int, launches: int) -> Added:
    """Add launches by as many threads, a transaction each."""
    each = launches // writers
    parts = [made(name, number * each, each) for number in range(writers)]

    def write(part: Sequence[Launch]) -> list[float]:
        took_ms = []
        for one in part:
            began = time.perf_counter()
            store.add(one)
            took_ms.append(1e3 * (time.perf_counter() - began))
        return took_ms

    before, began = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(writers) as threads:
        found = [took for part in threads.map(write, parts) for took in part]
    return found, each * writers, time.process_time() - before, time.perf_counter() - began


def _add_together(store: Store, name: str, count: int, launches: int) -> Added:
    """Add launches, so many in a transaction."""
    parts = [made(name, start, count) for start in range(0, launches, count)]
    took_ms, before, all_began = [], time.process_time(), time.perf_counter()
    for part in parts:
        began = time.perf_counter()
        rows = [records.launch_row(one) for one in part]
        store._write(lambda connection: _put(connection, rows))  # noqa: B023
        took_ms.append(1e3 * (time.perf_counter() - began))
    wall_s = time.perf_counter() - all_began
    return took_ms, count * len(parts), time.process_time() - before, wall_s


def _put(connection: sa.Connection, rows: Sequence[tuple[dict[str, Any], Any]]) -> None:
    """Add launches and their outputs by two statements."""
    table = schema.launches
    insert = table.insert().returning(table.c.id, sort_by_parameter_order=True)
    ids = connection.execute(insert, [row for row, _ in rows]).scalars().all()
    outputs = [
        {"launch_id": launch, "position": position, "data": blob}
        for launch, (_, blobs) in zip(ids, rows, strict=True)
        for position, blob in enumerate(blobs)
    ]
    connection.execute(schema.outputs.insert(), outputs)


def _begun(url: str, name: str, launches: int) -> subprocess.Popen[str]:
    """Return a process that has made its launches, and waits for a line before it adds them."""
    argv = [sys.executable, "-m", __name__, url, name, "4", str(launches)]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _released(begun: Sequence[subprocess.Popen[str]]) -> Added:
    for process in begun:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    took_ms: list[float] = []
    total, client_s, wall_s = 0, 0.0, 0.0
    for process in begun:
        found = json.loads(process.communicate()[0])
        wall_s = max(wall_s, found[3])
        took_ms += found[0]
        total += found[1]
        client_s += found[2]
    return took_ms, total, client_s, wall_s


def main() -> None:
    """Add what the arguments say once a line comes, and print what that took."""
    url, name, writers, launches = sys.argv[1:]
    with Store.open(url) as store:
        store.runs()
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(add(store, name, int(writers), int(launches))), flush=True)


if __name__ == "__main__":
    main()
