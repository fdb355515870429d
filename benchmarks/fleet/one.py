"""One measurement in a process of its own: `python -m benchmarks.fleet.one FOLDER OPTIONS`.

Prints one line of JSON. The display is on stderr, a terminal or not as it was started.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
import sqlalchemy as sa

from benchhub.api.measuring import begin, measure, ready_of
from benchhub.cli.run import display
from benchhub.config.request import located, resolve
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.turns.queue import Asking
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceProfile
from benchhub.model.launch import Details, Launch
from benchhub.model.request import RunRequest
from benchhub.ondevice.wire import Conditions
from benchhub.run.loop.ways import DIRECT, Direct
from benchhub.store import Store, records, schema
from benchmarks.fleet.simulated import Fleet

#: Launches of this share of all are not counted: devices connect meanwhile.
_FROM, _TO = 0.4, 0.95


@dataclass
class Options:
    """What is measured; `upto`: `start` ends at the first connection, `stored` after one launch
    of each cell, made up and stored, `resume` at the first connection of a resumed run. `real`:
    the devices are those of their profiles, and none is simulated."""

    devices: tuple[str, ...]
    upto: str = "end"
    launch_s: float = 0.0
    silent: tuple[str, ...] = ()
    real: bool = False
    effort: str | None = None


@dataclass
class Found:
    """Processor seconds, less those of the devices themselves; peaks.

    Of the wall's are `wall_s`, to the end, and `measured_s`, to the last launch that was recorded.
    """

    imports_s: float = 0.0
    before_s: float = 0.0
    wall_s: float = 0.0
    measured_s: float = 0.0
    launches: int = 0
    a_launch_ms: float = 0.0
    devices_ms: float = 0.0
    connecting_ms: float = 0.0
    threads: int = 0
    descriptors: int = 0
    rss_mib: float = 0.0
    run: str = ""
    errors: int = 0
    #: Of those the first.
    reasons: tuple[str, ...] = ()


class Meter:
    """Counts launches as they are recorded, and reads the clock of the processor meanwhile."""

    def __init__(self, fleet: Fleet, total: int) -> None:
        self._fleet, self._total = fleet, total
        self._lock, self._over = threading.Lock(), threading.Event()
        self._began = time.monotonic()
        self._process = psutil.Process()
        self.found = Found()
        self.marks: dict[str, tuple[float, float, int]] = {}
        self._at = {max(1, round(_FROM * total)): "from", max(2, round(_TO * total)): "to"}

    def launched(self) -> None:
        """Count one."""
        with self._lock:
            self.found.launches += 1
            self.found.measured_s = time.monotonic() - self._began
            if name := self._at.get(self.found.launches):
                self.marks[name] = time.process_time(), self._fleet.own_s, self.found.launches

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look at what the process holds, now and then."""

        def look() -> None:
            while not self._over.wait(0.25):
                self.look()

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        yield
        self._over.set()
        watcher.join()

    def look(self) -> None:
        """Note peaks."""
        found = self.found
        found.threads = max(found.threads, self._process.num_threads() - 1)
        found.descriptors = max(found.descriptors, self._process.num_fds())
        found.rss_mib = max(found.rss_mib, self._process.memory_info().rss / 2**20)

    def told(self) -> Found:
        """Return what was found."""
        if len(self.marks) == 2:
            (cpu, own, count), (later, more, last) = self.marks["from"], self.marks["to"]
            self.found.a_launch_ms = 1e3 * (later - cpu - (more - own)) / (last - count)
            self.found.devices_ms = 1e3 * (more - own) / (last - count)
        return self.found


class ToSimulated(Direct):
    """The way to the devices of a fleet, and to no real one."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def open(
        self, device: DeviceProfile, run: str, asking: Asking, on_wait: Callable[[str], None]
    ) -> DeviceSession:
        """Open a session with a simulated device; see Way."""
        return DeviceSession.open(
            device, build_runner(), holder(run), own_run=run, on_wait=on_wait, asking=asking,
            connect=self._fleet.connect,
        )  # fmt: skip

    def reserved(self, device: DeviceProfile) -> Collection[str]:
        """Return no reservation: nobody makes one."""
        return ()


def _store_one_each(store: Store, run: str, cells: Sequence[Cell]) -> None:
    """Store a finished launch of every cell, all in one transaction."""
    samples = np.arange(10_000, 10_200, dtype=np.int64)
    state = Conditions(at_ns=1, governor="performance", load_1m=0.1, cpu_steal_ticks=0)
    launch = Launch(
        run=run, cell=cells[0], index=0, attempt=0, round=0,
        started_at="2026-01-01T12:00:00.000+00:00", status="finished", failure=None,
        samples_ns=samples, warmup_ns=samples[:10], outputs=(), backend_version="1.23.0",
        provider="CPU", precision="f32", clock="perf_counter_ns",
        details=Details({"intra_op_threads": 1}), import_ns=1, load_ns=1, first_inference_ns=1,
        elapsed_ns=int(samples.sum()), imported_rss_bytes=1 << 20, peak_rss_bytes=1 << 21,
        memory_reset=True, wall_ns=600_000_000, involuntary_switches=3, before=state, after=state,
    )  # fmt: skip
    row, _ = records.launch_row(launch)

    def put(connection: sa.Connection) -> None:
        for start in range(0, len(cells), 1000):
            some = cells[start : start + 1000]
            connection.execute(schema.launches.insert(), [{**row, "cell": c.key} for c in some])

    store._write(put)


def _ended(found: Found) -> None:
    print(json.dumps(asdict(found)), flush=True)
    os._exit(0)  # without the report, which is no part of it


def main() -> None:
    """Measure what the arguments say."""
    from rich.console import Console

    folder, options = Path(sys.argv[1]), Options(**json.loads(sys.argv[2]))
    os.chdir(folder)
    imports_s = time.process_time()
    began = time.monotonic()
    console = Console(stderr=True)
    fleet = Fleet(options.launch_s, frozenset(options.silent))
    way = DIRECT if options.real else ToSimulated(fleet)
    with Store.open(f"sqlite:///{folder / 'benchhub.db'}") as store:
        shown = display(console)
        if options.upto == "resume":
            info = store.run(store.resolve("latest"))
            ready = ready_of(info.request, folder / "cache", lambda text: None, begun=info)
        else:
            asked = RunRequest("fleet", tuple(options.devices), effort=options.effort)
            request = located(asked, folder)
            resolve(request)
            ready = ready_of(request, folder / "cache", lambda text: None)
            info = begin(store, ready, "benchmark", shown)
        if options.upto == "stored":
            _store_one_each(store, info.id, ready.plan.cells)
            _ended(Found(run=info.id))
        meter = Meter(fleet, sum(cell.launches for cell in ready.plan.cells))
        meter.found.imports_s, meter.found.run = imports_s, info.id

        def first() -> None:
            meter.found.before_s = time.process_time()
            meter.look()
            if options.upto in ("start", "resume"):
                meter.found.wall_s = time.monotonic() - began
                _ended(meter.found)

        fleet.first = first
        add = store.add

        def added(launch: Launch) -> None:
            add(launch)
            meter.launched()

        store.add = added  # type: ignore[method-assign]
        if options.real:
            first()
        with meter.watching():
            problems = measure(store, info, ready, shown, resumed=options.upto == "resume", way=way)
        if options.upto != "end":
            raise SystemExit(f"no device was reached: {problems[:3]}")
        found = meter.told()
        found.wall_s = time.monotonic() - began
        found.errors, found.reasons = len(problems), tuple(problems[:3])
        found.connecting_ms = 1e3 * (
            time.process_time() - fleet.own_s - found.before_s
            - found.launches * found.a_launch_ms / 1e3
        ) / len(options.devices)  # fmt: skip
        _ended(found)


if __name__ == "__main__":
    main()
