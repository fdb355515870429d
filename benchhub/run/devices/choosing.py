"""Which of a request's devices are taken where so many at most are asked for."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchhub.config.catalogue import check_own
from benchhub.device.turns.queue import Asking
from benchhub.model.device import USUAL_QUEUEING, DeviceProfile, Queueing
from benchhub.model.request import RunRequest
from benchhub.ondevice.backends import Description
from benchhub.run.devices.healthy import Choose, healthy, why_not
from benchhub.run.devices.reserved import check_reservation
from benchhub.run.devices.selftest_needed import unmet
from benchhub.run.loop.engine import Sessions
from benchhub.run.loop.following import asking_for
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.store import Store


def chooser(
    url: str | None,
    say: Callable[[str], None],
    waits: Queueing | None = None,
    connects: bool = True,
    way: Way = DIRECT,
) -> Choose:
    """Return what takes the healthy ones of a request's devices, by the store at `url` if any.

    `say` hears of each device that is passed over. `waits` has the reservation in whose name they
    are asked for; nobody is waited for. Without `connects` none is asked: those are taken of which
    nothing bad is known.
    """
    at_once = dataclasses.replace(waits or USUAL_QUEUEING, wait_s=0.0)

    def choose(
        request: RunRequest,
        devices: Sequence[DeviceProfile],
        backends: Sequence[Description],
        requires: str,
    ) -> RunRequest:
        for device in devices:
            check_own(device.name, device.host)
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(Store.open(url)) if url else None
            if connects:
                check_reservation(at_once.reservation, store, devices, way)
            asking = asking_for(store, at_once, ()) if store else lambda _: Asking(at_once)

            def ask(device: DeviceProfile, sessions: Sessions) -> str | None:
                if not connects:
                    return None
                return why_not(device, sessions, backends, asking(device), way)

            found = healthy(
                devices, request.at_most or len(devices), _known(store, requires), ask, say
            )
        if len(found.devices) < min(request.at_most or 0, len(devices)):
            say(f"{len(found.devices)} devices are measured: no others are free and fit")
        place = dict(zip((device.name for device in devices), request.devices, strict=True))
        taken = tuple(place[device.name] for device in found.devices)
        return dataclasses.replace(request, devices=taken, passed_over=found.passed_over)

    return choose


def _known(store: Store | None, requires: str) -> Callable[[DeviceProfile], str | None]:
    """Return what tells by the store why a device is not to be measured."""
    if store is None:
        return lambda device: None
    kept, now = store.quarantine.all(), datetime.now(UTC)

    def known(device: DeviceProfile) -> str | None:
        if one := kept.get(device.name):
            return f"quarantined since {one.since}: {one.reason}"
        if not requires:
            return None
        return unmet(device.name, requires, store.selftests.last(device.name), now)

    return known
