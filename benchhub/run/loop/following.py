"""Who follows devices at work for a run: writes down launches and facts, and opens sessions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from benchhub.device.turns.queue import Asking
from benchhub.errors import Interrupted
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo, DeviceProfile, Queueing
from benchhub.model.launch import Launch
from benchhub.run.loop.power import CHECK as POWER
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.run.loop.work import Connect, OpenSession, Watcher
from benchhub.store import Store


class Following:
    """A watcher that also writes down what devices say of themselves."""

    def __init__(
        self, store: Store, run: str, watcher: Watcher, infos: dict[str, DeviceInfo]
    ) -> None:
        self._store, self._run, self._watcher, self._infos = store, run, watcher, infos
        self.stopping = watcher.stopping
        self.connected, self.status = watcher.connected, watcher.status
        self.pushed, self.launched = watcher.pushed, watcher.launched
        self.spared = watcher.spared

    def stop(self) -> None:
        """End what devices do, and wait for no store that is away."""
        self._store.hurry()
        self._watcher.stop()

    def record(self, launch: Launch) -> None:
        """Save a launch, and show it."""
        self._store.add(launch)
        self.launched(launch)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Save what a device says of itself, and show it."""
        before = self._infos.get(info.name)
        # A run that is resumed does not forget that a device was started anew before.
        kept = [f for f in before.findings if f.check in ("reboot", POWER)] if before else []
        kept = [finding for finding in kept if finding not in info.findings]
        info = dataclasses.replace(info, findings=(*info.findings, *kept))
        self._infos[info.name] = info
        self._store.put_device(self._run, info)
        self._watcher.known(info, missing)


def connector(
    run: str,
    watcher: Watcher,
    asking: Callable[[DeviceProfile], Asking] = lambda _: Asking(),
    way: Way = DIRECT,
) -> Connect:
    """Return what opens the session of a device for a run, and waits where others use it.

    `asking` is how each device is asked for, see `asking_for`.
    """

    def waiting(device: DeviceProfile, text: str) -> None:
        if watcher.stopping():
            raise Interrupted(f"{device.name}: stopped")
        watcher.status(device.name, f"waiting: {text}")

    def connect(device: DeviceProfile) -> OpenSession:
        return way.open(device, run, asking(device), lambda text: waiting(device, text))

    return connect


def asking_for(
    store: Store, queueing: Queueing, cells: Sequence[Cell]
) -> Callable[[DeviceProfile], Asking]:
    """Return how devices are asked for: what the store has reserved of them is told, too.

    How long a device takes is told only where somebody has it reserved, by what its cells took in
    any run of the store.
    """

    def asking(device: DeviceProfile) -> Asking:
        kept = store.reservations.coming(device.name)
        if not kept:
            return Asking(queueing)
        mine = [cell for cell in cells if cell.device == device.name]
        walls = store.median_wall_ns(cell.key for cell in mine)
        needs_s = sum(walls.get(cell.key, 0.0) * cell.launches for cell in mine) / 1e9
        return Asking(queueing, needs_s, kept, store.reservations.now())

    return asking
