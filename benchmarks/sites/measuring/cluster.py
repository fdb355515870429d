"""dask.distributed as a fleet would have it: a scheduler, and a worker process a site."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[3]
_THREADS = 520


@dataclass(frozen=True, slots=True)
class Running:
    """A client, and the processes that it talks to."""

    client: Any
    scheduler: psutil.Process
    workers: tuple[psutil.Process, ...]

    def cpu_s(self) -> tuple[float, float, float]:
        """Return the processor seconds so far of the client, the scheduler and all workers."""
        return (
            _cpu_s(psutil.Process()),
            _cpu_s(self.scheduler),
            sum(_cpu_s(worker) for worker in self.workers),
        )


def _cpu_s(process: psutil.Process) -> float:
    taken = process.cpu_times()
    return float(taken.user + taken.system)


@contextlib.contextmanager
def running(sites: int, direct: bool = False) -> Iterator[Running]:
    """Start it, and end it; `direct`: answers come from the workers, not by way of the scheduler.

    Site number i offers the resource `site-i`.
    """
    from distributed import Client

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "scheduler.json"
        log = stack.enter_context((folder / "log").open("wb"))

        def started(words: Sequence[str]) -> psutil.Process:
            argv = [sys.executable, "-m", *words, "--scheduler-file", str(file)]
            process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment, cwd=folder)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return psutil.Process(process.pid)

        loopback = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler = started(
            ("distributed.cli.dask_scheduler", *loopback, "--port", "0", "--no-show")
        )
        workers = tuple(
            started((
                "distributed.cli.dask_worker", *loopback, "--no-nanny", "--nthreads",
                str(_THREADS), "--resources", f"site-{number}=100000", "--memory-limit", "0",
            ))
            for number in range(sites)
        )  # fmt: skip
        client = stack.enter_context(
            Client(scheduler_file=str(file), direct_to_workers=direct, timeout="120s")
        )
        client.wait_for_workers(sites, timeout=120)
        yield Running(client, scheduler, workers)
