"""Who follows devices at work for a run: writes down launches and facts, and opens sessions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.errors import Interrupted
from benchhub.model.device import DeviceInfo, DeviceProfile
from benchhub.model.launch import Launch
from benchhub.run.loop.work import Connect, Watcher
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
        kept = [f for f in before.findings if f.check == "reboot"] if before else []
        kept = [finding for finding in kept if finding not in info.findings]
        info = dataclasses.replace(info, findings=(*info.findings, *kept))
        self._infos[info.name] = info
        self._store.put_device(self._run, info)
        self._watcher.known(info, missing)


def connector(run: str, watcher: Watcher) -> Connect:
    """Return what opens the session of a device for a run, and waits where others use it."""

    def waiting(device: DeviceProfile, text: str) -> None:
        if watcher.stopping():
            raise Interrupted(f"{device.name}: stopped")
        watcher.status(device.name, f"waiting: {text}")

    def connect(device: DeviceProfile) -> DeviceSession:
        return DeviceSession.open(
            device,
            build_runner(),
            holder(run),
            own_run=run,
            on_wait=lambda text: waiting(device, text),
        )

    return connect
