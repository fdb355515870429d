"""Whether anybody knows of the reservation in whose name devices are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.errors import ConfigError, nearest, told_of
from benchhub.model.device import DeviceProfile
from benchhub.run.devices.side_by_side import side_by_side
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.store import Store

_MOST_NAMED = 3


def check_reservation(
    identity: str, store: Store | None, devices: Sequence[DeviceProfile], way: Way = DIRECT
) -> None:
    """Return where `identity` is none, or one that the store or a device knows; else ConfigError.

    Devices are asked where the store does not know it: one that does not answer may.
    """
    if not identity:
        return
    known = {one.id for one in store.reservations.coming()} if store is not None else set()
    if identity in known:
        return
    for answer in side_by_side(devices, lambda device, sessions: way.reserved(device)):
        if answer.told is None or identity in answer.told:
            return
        known.update(answer.told)
    names = told_of([device.name for device in devices], _MOST_NAMED)
    raise ConfigError(
        f"no reservation {identity} is known to the store or to {names}"
        f"{nearest(identity, known)}; see `benchhub devices reservations`"
    )
