"""Any N healthy devices of many: the first that are free and fit; the others are passed over.

Devices are asked in order, as many at a time as are still wanted. Of one that does not answer soon
the next one takes the place, so that dead devices cost seconds, and not each its time-out.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchhub.device.health.findings import findings, missing_backends, refusal
from benchhub.device.turns.queue import Asking
from benchhub.errors import ConfigError, DeviceError
from benchhub.model.device import DeviceProfile
from benchhub.model.request import RunRequest
from benchhub.ondevice.backends import Description
from benchhub.outside.faults import of_device
from benchhub.run.devices.side_by_side import AT_ONCE, closed_by
from benchhub.run.loop.engine import Sessions
from benchhub.run.loop.ways import DIRECT, Way

#: Who takes longer than this to answer is no longer counted on, though welcome.
SOON_S = 3.0

#: From a request for at most so many of its devices, their profiles, the backends that it wants,
#: and the suite where that requires self-tests, to the request for the devices that were taken.
Choose = Callable[[RunRequest, Sequence[DeviceProfile], Sequence[Description], str], RunRequest]
#: Asks one device, and returns why it is not to be measured now, or None.
Ask = Callable[[DeviceProfile, Sessions], str | None]


@dataclass(frozen=True, slots=True)
class Healthy:
    """The devices that were taken, in the order asked for, and why others were passed over."""

    devices: tuple[DeviceProfile, ...]
    passed_over: Mapping[str, str]


def healthy(
    devices: Sequence[DeviceProfile],
    at_most: int,
    known: Callable[[DeviceProfile], str | None],
    ask: Ask,
    say: Callable[[str], None] = lambda line: None,
) -> Healthy:
    """Return the first `at_most` devices that are healthy; DeviceError where none is.

    `known` tells why one is not without asking it. Devices that were not needed are not told of.
    """
    choosing = _Choosing(at_most, known, ask, say)
    taken = choosing.of(devices)
    if not taken:
        reasons = list(choosing.passed_over.items())
        told = "; ".join(f"{name}: {why}" for name, why in reasons[:3])
        more = f"; and {len(reasons) - 3:,} more" if len(reasons) > 3 else ""
        raise DeviceError(f"none of {len(devices):,} devices can be measured now: {told}{more}")
    ordered = tuple(device for device in devices if device.name in taken)
    return Healthy(ordered, choosing.passed_over)


class _Choosing:
    """Who is asked at the moment, since when, and what was answered."""

    def __init__(
        self,
        at_most: int,
        known: Callable[[DeviceProfile], str | None],
        ask: Ask,
        say: Callable[[str], None],
    ) -> None:
        self._at_most, self._known, self._ask, self._say = at_most, known, ask, say
        self._answers: queue.SimpleQueue[tuple[DeviceProfile, str | None]] = queue.SimpleQueue()
        self._sessions = Sessions()
        self._since: dict[str, float] = {}
        self.passed_over: dict[str, str] = {}

    def of(self, devices: Sequence[DeviceProfile]) -> set[str]:
        """Return the names of those that were taken."""
        left, taken = iter(devices), set[str]()
        try:
            while len(taken) < self._at_most:
                self._begin(left, self._at_most - len(taken))
                if not self._since:
                    break
                try:
                    device, reason = self._answers.get(timeout=0.25)
                except queue.Empty:
                    continue
                del self._since[device.name]
                if reason is None:
                    taken.add(device.name)
                else:
                    self._pass_over(device, reason)
        finally:
            self._sessions.stop()
        now = time.monotonic()
        for name, since in self._since.items():
            self.passed_over[name] = f"had not answered after {now - since:.0f} s, when others had"
        return taken

    def _begin(self, left: Iterator[DeviceProfile], wanted: int) -> None:
        """Ask further devices, so that as many as are wanted may be about to answer."""
        now = time.monotonic()
        soon = sum(now - since < SOON_S for since in self._since.values())
        while soon < wanted and len(self._since) < AT_ONCE:
            device = next(left, None)
            if device is None:
                return
            if (reason := self._known(device)) is not None:
                self._pass_over(device, reason)
                continue
            self._since[device.name] = now
            soon += 1
            threading.Thread(
                target=self._one, args=(device,), name=f"benchhub-choose-{device.name}", daemon=True
            ).start()

    def _pass_over(self, device: DeviceProfile, reason: str) -> None:
        self.passed_over[device.name] = reason.removeprefix(f"{device.name}: ")
        self._say(f"{device.name} is passed over: {self.passed_over[device.name]}")

    def _one(self, device: DeviceProfile) -> None:
        try:
            with of_device(device.name):
                reason = self._ask(device, self._sessions)
        except (ConfigError, DeviceError) as error:
            reason = str(error)
        except BaseException as error:  # noqa: BLE001  a fault is a reason, too
            reason = f"stopped by {type(error).__name__}"
        self._answers.put((device, reason))


def why_not(
    device: DeviceProfile,
    sessions: Sessions,
    backends: Sequence[Description],
    asking: Asking,
    way: Way = DIRECT,
) -> str | None:
    """Ask a device why it is not to be measured now; None: it is free, fit and has a backend.

    `asking` is how it is asked for. DeviceError says why it cannot be asked.
    """
    with (
        contextlib.closing(way.open(device, "choosing", asking, lambda text: None)) as session,
        closed_by(sessions, device.name, session),
    ):
        facts, conditions = session.facts(), session.conditions()
    checks = findings(device, facts, conditions, backends)
    if (reason := refusal(checks)) is not None:
        return f"not fit to measure: {reason}"
    missing = missing_backends(checks, device.name)
    if missing and len(missing) == len(backends):
        return "; ".join(missing.values())
    return None
