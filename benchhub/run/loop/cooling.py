"""Waiting for a device that is too hot, or busy with something else, outside of anything timed."""

from __future__ import annotations

import time

from benchhub.errors import Unfit
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Conditions
from benchhub.run.loop.work import OpenSession, Watcher

#: A device that is as hot, or as busy, after so many pauses will not be otherwise by itself.
MOST_PAUSES = 20
_LOOK_S = 0.2


def cool_down(session: OpenSession, device: DeviceProfile, watcher: Watcher) -> Conditions | None:
    """Return once the device is below its temperature, or the run is stopping; what was read last.

    None where there is no limit, and nothing was asked. A device without a sensor is never waited
    for. Unfit after MOST_PAUSES pauses of `device.cooldown_s`.
    """
    if device.max_temperature_c is None:
        return None
    return _wait(session, device, watcher, at_rest=False)


def come_to_rest(session: OpenSession, device: DeviceProfile, watcher: Watcher) -> Conditions:
    """Return as `cool_down` does, but wait for the limit of load too, and always ask.

    The load of what was measured before, or of the start of the device, takes minutes to fade.
    """
    return _wait(session, device, watcher, at_rest=True)


def pause(seconds: float, watcher: Watcher) -> None:
    """Sleep, but wake up soon after the run is to stop."""
    until = time.monotonic() + seconds
    while not watcher.stopping() and (left_s := until - time.monotonic()) > 0:
        time.sleep(min(_LOOK_S, left_s))


def _wait(
    session: OpenSession, device: DeviceProfile, watcher: Watcher, at_rest: bool
) -> Conditions:
    for paused in range(MOST_PAUSES + 1):
        found = session.conditions()
        heat, load = _heat(device, found), _load(device, found) if at_rest else None
        if watcher.stopping() or not (heat or load):
            break
        if paused < MOST_PAUSES:
            watcher.status(device.name, f"cooling: {heat}" if heat else f"waiting: {load}")
            pause(device.cooldown_s, watcher)
            if watcher.stopping():
                break  # and the session is closed by now
    else:
        fix = "improve its cooling, or raise limits.max_temperature_c"
        if not heat:
            fix = "stop other programs on it, or raise limits.max_load"
        raise Unfit(
            f"{device.name}: not fit to measure: still {heat or load} after {MOST_PAUSES} pauses"
            f" of {device.cooldown_s:g} s; {fix}"
        )
    return found


def _heat(device: DeviceProfile, found: Conditions) -> str | None:
    limit_c, now_c = device.max_temperature_c, found.temperature_c
    if limit_c is None or now_c is None or now_c < limit_c:
        return None
    return f"{now_c:.0f} C, limit {limit_c:.0f} C"


def _load(device: DeviceProfile, found: Conditions) -> str | None:
    if device.max_load is None or found.load_1m is None or found.load_1m <= device.max_load:
        return None
    return f"load {found.load_1m:.2f}, limit {device.max_load:.2f}"
