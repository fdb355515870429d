"""Having a device kept for somebody: the device is told, and so is the store."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from benchhub.device.bootstrap import RunnerFile
from benchhub.device.events.schema import KeepingEvent
from benchhub.device.opening import Opening
from benchhub.device.transport import Transport
from benchhub.device.turns.queue import Asking, reservation_told
from benchhub.errors import DeviceBusy, DeviceError
from benchhub.model.device import DeviceProfile, Reservation
from benchhub.ondevice import wire

Connect = Callable[[DeviceProfile], Transport]


def new_reservation(device: str, starts: datetime, ends: datetime, why: str = "") -> Reservation:
    """Return a reservation for whoever runs this, with an id of its own."""
    begin, end = (one.isoformat(timespec="seconds") for one in (starts, ends))
    user, host = getpass.getuser(), socket.gethostname()
    return Reservation(secrets.token_hex(4), device, user, host, begin, end, why)


def keep(
    profile: DeviceProfile,
    runner: RunnerFile,
    connect: Connect,
    reservation: Reservation,
    stored: Sequence[Reservation],
    now: datetime,
) -> None:
    """Have the device keep itself; DeviceBusy where somebody has it reserved already.

    `stored` are the reservations that the store knows of, and `now` is the time that it has.
    """
    request = {
        "do": "reserve",
        "now": now.timestamp(),
        "reservation": reservation_told(reservation),
        "reservations": [reservation_told(one) for one in stored],
    }
    event = _asked(profile, runner, connect, request)
    if event.outcome == "overlap":
        raise DeviceBusy(
            f"{profile.name}: {event.message} for a part of that time: `benchhub devices"
            f" reservations {profile.name}` shows when; choose another time"
        )
    if event.outcome != "kept":
        raise DeviceError(
            f"{profile.name}: cannot be reserved: {event.message or event.outcome}; is the clock"
            " of this machine right?"
        )


def release(profile: DeviceProfile, runner: RunnerFile, connect: Connect, identity: str) -> bool:
    """Have the device kept no longer; False where it knows of no such reservation of ours."""
    request = {"do": "cancel", "reservation": {"id": identity}}
    return _asked(profile, runner, connect, request).outcome == "cancelled"


def _asked(
    profile: DeviceProfile, runner: RunnerFile, connect: Connect, request: Mapping[str, Any]
) -> KeepingEvent:
    transport = connect(profile)
    try:
        opening = Opening(transport, profile, runner, {}, wire.HEARTBEAT_S, Asking())
        return opening.without_lease(request)
    finally:
        transport.close()
