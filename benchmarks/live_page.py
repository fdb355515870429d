"""What `benchhub serve` takes with people watching: memory, and processor time, idle and not."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchhub.model.cell import Plan
from benchhub.stats.interval import median_interval
from benchhub.store import Store
from benchhub.store.watched.process import ControllerProcess
from benchhub.store.watched.signs import LaneSign, Sign
from benchmarks.claim import Claim, compared
from benchmarks.results_store import RUN, cells, chunks, run
from benchmarks.results_store import Size as StoreSize

MOST_MIB, MOST_SHARE = 150.0, 0.03


@dataclass(frozen=True, slots=True)
class Size:
    """How many watch, for how long each time is taken, and how often."""

    watchers: int = 20
    seconds: float = 10.0
    rounds: int = 5


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims about a server with watchers."""
    size = size or Size()
    small = StoreSize(launches=200, samples=200, per_cell=20)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'page.db'}"
        with Store.open(url) as store:
            store.create_run(run(), Plan(cells(small), ()), None, (), ())
            process, address = _started(url)
            try:
                sockets = [_watch(address) for _ in range(size.watchers)]
                idle = [_share(process, size.seconds) for _ in range(size.rounds)]
                work = _writing(store, small)
                busy = [_share(process, size.seconds, work) for _ in range(size.rounds)]
                mib = _peak_mib(process)
                for one in sockets:
                    one.close()
            finally:
                process.terminate()
                process.communicate()
    who = f"{size.watchers} watchers"
    return [
        compared(
            f"serve, {who}, peak memory, as a share of {MOST_MIB:.0f} MiB", f"{mib:.0f} MiB",
            f"{MOST_MIB:.0f} MiB allowed", median_interval([mib / MOST_MIB]), at_most=1.0,
        ),
        compared(
            f"serve, {who}, idle, as a share of {MOST_SHARE:.0%} of a core",
            f"{sorted(idle)[len(idle) // 2]:.2%}", f"{MOST_SHARE:.0%} allowed",
            median_interval([one / MOST_SHARE for one in idle]), at_most=1.0,
        ),
        compared(
            f"serve, {who}, a launch a second and a sign every five, of a core",
            f"{sorted(busy)[len(busy) // 2]:.2%}", "a core", median_interval(busy),
        ),
    ]  # fmt: skip


def _started(url: str) -> tuple[subprocess.Popen[str], str]:
    argv = [sys.executable, "-m", "benchhub", "serve", "--port", "0", "--store", url]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"serving (http\S+)/;", process.stderr.readline())
    assert found is not None
    return process, found[1]


def _watch(address: str) -> socket.socket:
    """Return a connection that is told what goes on, as a page has one."""
    at = urlsplit(address)
    one = socket.create_connection((at.hostname, at.port))
    one.sendall(f"GET /events?view=home HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    assert b"200 OK" in one.recv(4096)
    return one


def _share(
    process: subprocess.Popen[str], seconds: float, work: Iterator[None] | None = None
) -> float:
    """Return what part of a core the server takes, while something is done once a second or not."""
    of = psutil.Process(process.pid)
    before, began_s = _cpu_s(of), time.monotonic()
    while (left_s := began_s + seconds - time.monotonic()) > 0:
        if work is not None:
            next(work)
        time.sleep(min(1.0, left_s))
    return (_cpu_s(of) - before) / (time.monotonic() - began_s)


def _cpu_s(of: psutil.Process) -> float:
    times = of.cpu_times()
    return float(times.user + times.system)


def _peak_mib(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _writing(store: Store, size: StoreSize) -> Iterator[None]:
    """Add a launch each time, and every fifth time a sign."""
    launches = [one for chunk in chunks(cells(size), size) for one in chunk]
    this = ControllerProcess.this()
    for made, launch in enumerate(launches):
        store.add(launch)
        if made % 5 == 0:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            lanes = tuple(
                LaneSign(device=f"device-{at}", planned=200, done=made, cells=10, cells_done=0,
                         settled=0, state="measuring", doing="onnxruntime", since=now)
                for at in range(20)
            )  # fmt: skip
            store.signs.put(RUN, Sign(at=now, host=this.host, space=this.space, pid=this.pid,
                                      began_s=this.began_s, lanes=lanes))  # fmt: skip
        yield
