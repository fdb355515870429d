"""Devices at work side by side: one executor a machine, so cells that share one never overlap."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait

from benchhub.errors import ConfigError, DeviceError, Interrupted
from benchhub.model.launch import Launch
from benchhub.outside.faults import of_device
from benchhub.run.loop.campaign import measure
from benchhub.run.loop.work import Connect, DeviceWork, OpenSession, Watcher

Record = Callable[[Launch], None]
ExecutorFor = Callable[[str], Executor]


def local_executor(machine: str) -> Executor:
    """Return the default executor of a machine: one thread on the controller."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"benchhub-{machine}")


class Sessions:
    """The sessions in use, so that a stop can close them under their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, OpenSession] = {}
        self._stop = threading.Event()

    def stopping(self) -> bool:
        """Return whether `stop` was called."""
        return self._stop.is_set()

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
        for session in sessions:
            session.close()


def run_devices(
    works: Sequence[DeviceWork],
    connect: Connect,
    record: Record,
    watcher: Watcher,
    executor_for: ExecutorFor = local_executor,
) -> dict[str, DeviceError | None]:
    """Measure every work; return per device why it stopped early, or None.

    Devices work in parallel, but those that share a `machine` one after another.
    `record` is called once a launch, before the device begins its next one. Whatever a device's
    thread stumbles over is that device's failure, with its log where nobody explained it; but what
    all share, the results database, is a StoreError, which stops its device and is raised once all
    have ended. Ctrl-C cuts the launches under way short and raises Interrupted.
    """
    machines = {work.device.name: work.device.machine or work.device.name for work in works}
    executors = {machine: executor_for(machine) for machine in set(machines.values())}
    futures: dict[str, Future[DeviceError | None]] = {}
    try:
        for work in works:
            name = work.device.name
            futures[name] = executors[machines[name]].submit(_one, work, connect, record, watcher)
        # Waking up now and then lets Ctrl-C through.
        while wait(futures.values(), timeout=0.5).not_done:
            pass
    except KeyboardInterrupt:
        watcher.stop()
        raise Interrupted("stopped") from None
    finally:
        for executor in executors.values():
            executor.shutdown(wait=True, cancel_futures=True)
    return {name: future.result() for name, future in futures.items()}


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
