"""Devices at work side by side: one thread a machine, so cells that share one never overlap."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import scipy.special  # noqa: F401 - threads compute with it, and nothing is imported beside them

from benchhub.errors import ConfigError, DeviceError, Interrupted
from benchhub.model.launch import Launch
from benchhub.outside.faults import of_device
from benchhub.run.loop.campaign import measure
from benchhub.run.loop.work import Connect, DeviceWork, OpenSession, Watcher

#: So many devices' sessions are closed beside each other.
_CLOSED_AT_ONCE = 64
Record = Callable[[Launch], None]


class Sessions:
    """The sessions in use, so that a stop can close them under their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, OpenSession] = {}
        self._stop = threading.Event()

    def stopping(self) -> bool:
        """Return whether `stop` was called."""
        return self._stop.is_set()

    def spared(self, device: str, cells: Collection[str]) -> None:
        """Say nothing of launches that will not be made."""

    def connected(self, device: str, session: OpenSession | None) -> None:
        """Remember the session of a device, or forget it."""
        with self._lock:
            if session is None:
                self._open.pop(device, None)
            else:
                self._open[device] = session

    def stop(self) -> None:
        """Ask every device to stop and close its session; launches under way are cut short."""
        self._stop.set()
        with self._lock:
            sessions = list(self._open.values())

        def close_some() -> None:
            with contextlib.suppress(IndexError):
                while True:
                    sessions.pop().close()

        # A device that does not answer holds up those after it: so many may.
        count = min(len(sessions), _CLOSED_AT_ONCE)
        closing = [threading.Thread(target=close_some, daemon=True) for _ in range(count)]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


def run_devices(
    works: Sequence[DeviceWork],
    connect: Connect,
    record: Record,
    watcher: Watcher,
    at_once: int | None = None,
) -> dict[str, DeviceError | None]:
    """Measure every work; return per device why it stopped early, or None.

    Devices work in parallel, but those that share a `machine` one after another, and of more
    machines than `at_once` (None: any number) the next begins when one has ended.
    `record` is called once a launch, before the device begins its next one. Whatever a device's
    thread stumbles over is that device's failure, with its log where nobody explained it; but what
    all share, the results database, is a StoreError, which stops its device and is raised once all
    have ended. Ctrl-C cuts the launches under way short and raises Interrupted; so does a watcher
    that is stopping.
    """
    of_machine: dict[str, list[DeviceWork]] = {}
    for work in works:
        of_machine.setdefault(work.device.machine or work.device.name, []).append(work)
    turns = _Turns(of_machine, lambda work: (_one, work, connect, record, watcher))
    try:
        for work in turns.begin(at_once or len(of_machine)):
            watcher.status(work.device.name, f"waiting: for its turn, {at_once} at once")
        while turns.go_on():
            pass
    except KeyboardInterrupt:
        watcher.stop()
        raise Interrupted("stopped") from None
    finally:
        turns.end()
    if watcher.stopping():  # who follows it was asked to, and not by Ctrl-C
        raise Interrupted("stopped")
    return {work.device.name: turns.futures[work.device.name].result() for work in works}


class _Turns:
    """The executors of machines that are at work, and the machines whose turn has not come."""

    def __init__(
        self,
        of_machine: Mapping[str, Sequence[DeviceWork]],
        task: Callable[[DeviceWork], tuple[Any, ...]],
    ) -> None:
        self._waiting = deque(of_machine.items())
        self._task = task
        self._executors: dict[str, ThreadPoolExecutor] = {}
        self._open: dict[str, int] = {}
        self._ended: SimpleQueue[str] = SimpleQueue()
        self.futures: dict[str, Future[DeviceError | None]] = {}

    def begin(self, count: int) -> list[DeviceWork]:
        """Have `count` machines begin; return what waits for its turn then."""
        for _ in range(min(count, len(self._waiting))):
            self._begin()
        return [work for _, works in self._waiting for work in works]

    def go_on(self) -> bool:
        """Wait for a device to end, not for long, so that Ctrl-C gets through; False: all have."""
        with contextlib.suppress(Empty):
            machine = self._ended.get(timeout=0.5)
            self._open[machine] -= 1
            if not self._open[machine]:
                del self._open[machine]
                self._executors.pop(machine).shutdown(wait=False)
                if self._waiting:
                    self._begin()
        return bool(self._open)

    def end(self) -> None:
        """Wait for what is at work; nothing else begins."""
        for executor in self._executors.values():
            executor.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        machine, works = self._waiting.popleft()
        executor = ThreadPoolExecutor(1, thread_name_prefix=f"benchhub-{machine}")
        self._executors[machine] = executor
        self._open[machine] = len(works)
        for work in works:
            future = self.futures[work.device.name] = executor.submit(*self._task(work))
            future.add_done_callback(functools.partial(self._note, machine))

    def _note(self, machine: str, _: Future[DeviceError | None]) -> None:
        self._ended.put(machine)


def _one(
    work: DeviceWork, connect: Connect, record: Record, watcher: Watcher
) -> DeviceError | None:
    name = work.device.name
    try:
        with of_device(name):
            for launch in measure(work, connect, watcher):
                record(launch)
            watcher.status(name, "done")
    except (ConfigError, DeviceError) as error:
        if watcher.stopping():
            return None
        failure = error if isinstance(error, DeviceError) else DeviceError(f"{name}: {error}")
        with contextlib.suppress(Exception):  # what shows it may be what stumbled
            watcher.status(name, f"stopped: {failure}")
        return failure
    return None
