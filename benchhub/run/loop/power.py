"""Whether a silent device may be switched off and on: once a run, and never under somebody else.

The device itself cannot be asked. So what was last known counts, and where that leaves a doubt its
power is left alone: who waited for it when it was last heard, for whom it is reserved, and which
other run of this store has measured on it of late.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from benchhub.device.power import cycle
from benchhub.errors import DeviceError, Unreachable, WayBroken
from benchhub.model.device import DeviceInfo, DeviceProfile, Finding, Queueing
from benchhub.store import Store
from benchhub.text import instant

#: Another run that launched something on a device within this time may still be at it.
RECENT_S = 1800.0
CHECK = "power"
#: What switches a device off and on, unless it is told to stop; see `device.power.cycle`.
Switch = Callable[[DeviceProfile, Callable[[], bool]], None]


class PowerSwitch:
    """The power of one device in a run; `others` tells who else may have it, by the store."""

    def __init__(
        self,
        device: DeviceProfile,
        others: Callable[[], str | None],
        used: bool = False,
        switch: Switch = cycle,
    ) -> None:
        self._device, self._others, self._used, self._switch = device, others, used, switch
        #: How many others waited when the device was last heard.
        self.waiting = 0

    def cycle(self, error: DeviceError, stopping: Callable[[], bool]) -> Finding | None:
        """Switch a device that does not answer off and on; None where that is not to be done.

        Unreachable where somebody else may have it, PowerFailed where the command does.
        """
        if self._device.power is None or self._used or isinstance(error, WayBroken):
            return None
        waited = "somebody waited for it" if self.waiting else None
        if (other := waited or self._others()) is not None:
            raise Unreachable(f"{error}; its power was left as it is: {other}") from error
        self._used = True
        self._switch(self._device, stopping)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return Finding(
            CHECK, "warn", f"did not answer, and its power was switched off and on at {at}",
            "what made it hang may have touched earlier launches, too",
            "look for the cause: power supply, heat, memory, its system's log",
        )  # fmt: skip


def power_switches(
    store: Store,
    run: str,
    devices: Sequence[DeviceProfile],
    queueing: Queueing,
    infos: Mapping[str, DeviceInfo],
    switch: Switch = cycle,
) -> dict[str, PowerSwitch]:
    """Return the switches of devices that have one; one that this run has used stays used."""
    found = {}
    for device in devices:
        if device.power is not None:
            info = infos.get(device.name)
            used = info is not None and any(one.check == CHECK for one in info.findings)
            others = others_of_store(store, run, device.name, queueing)
            found[device.name] = PowerSwitch(device, others, used, switch)
    return found


def others_of_store(
    store: Store, run: str, device: str, queueing: Queueing
) -> Callable[[], str | None]:
    """Return what tells who else may have a device, by the store's last word; None: nobody."""

    def others() -> str | None:
        now = store.reservations.now()
        me = (getpass.getuser(), socket.gethostname())
        for one in store.reservations.coming(device):
            mine = (one.user, one.host) == me or one.id == queueing.reservation
            if not mine and instant(one.starts_at) <= now:
                return f"it is reserved for {one.user}@{one.host} ({one.id})"
        for there in store.at_work(device, run):
            if (now - instant(there.at)).total_seconds() < RECENT_S:
                return f"run {there.run} is at it, last seen at {there.at}"
        return None

    return others
