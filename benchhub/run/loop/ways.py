"""The ways to a run's devices: from this machine itself, or through the gateways of their sites."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from benchhub.device.power import cycle
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.turns.queue import Asking
from benchhub.model.device import DeviceProfile
from benchhub.run.loop.work import OpenSession

if TYPE_CHECKING:
    from benchhub.device.gateway.scheduler import Scheduler

#: What `--engine` says for devices that this machine reaches itself.
LOCAL = "local"


class Way(Protocol):
    """How devices are reached, and switched off and on."""

    def open(
        self, device: DeviceProfile, run: str, asking: Asking, on_wait: Callable[[str], None]
    ) -> OpenSession:
        """Open a session with a device for a run; see `DeviceSession.open`."""

    def cycle(self, device: DeviceProfile, stopping: Callable[[], bool]) -> None:
        """Switch a device off and on; see `device.power.cycle`."""

    def reserved(self, device: DeviceProfile) -> Collection[str]:
        """Return the ids of the reservations that a device keeps; DeviceError: it cannot tell."""


class Direct:
    """From this machine, over each device's own transport."""

    def open(
        self, device: DeviceProfile, run: str, asking: Asking, on_wait: Callable[[str], None]
    ) -> DeviceSession:
        """Open a session with a device; see Way."""
        return DeviceSession.open(
            device, build_runner(), holder(run), own_run=run, on_wait=on_wait, asking=asking
        )

    def cycle(self, device: DeviceProfile, stopping: Callable[[], bool]) -> None:
        """Switch a device off and on; see Way."""
        cycle(device, stopping)

    def reserved(self, device: DeviceProfile) -> Collection[str]:
        """Return the ids of the reservations that a device keeps; see Way."""
        from benchhub.device.turns.look import connected

        return [one.id for one in connected(device, datetime.now(UTC)).kept]


class ThroughGateways:
    """Through the gateway of each device's site, which has its own profile and keys of it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def open(
        self, device: DeviceProfile, run: str, asking: Asking, on_wait: Callable[[str], None]
    ) -> OpenSession:
        """Open a session with a device; see Way."""
        from benchhub.device.gateway.far_session import FarSession

        return FarSession.open(device, self._scheduler, holder(run), asking, on_wait)

    def cycle(self, device: DeviceProfile, stopping: Callable[[], bool]) -> None:
        """Switch a device off and on; see Way."""
        from benchhub.device.gateway.far_session import cycle_far

        cycle_far(device, self._scheduler, stopping)

    def reserved(self, device: DeviceProfile) -> Collection[str]:
        """Return the ids of the reservations that a device keeps; see Way."""
        from benchhub.device.gateway.far_session import reserved_far

        return reserved_far(device, self._scheduler)


DIRECT = Direct()


@contextmanager
def way_of(engine: str) -> Iterator[Way]:
    """Yield the way that `engine` names; ConfigError where it is none, or nobody answers there."""
    if engine == LOCAL:
        yield DIRECT
        return
    from benchhub.device.gateway.address import parse_address
    from benchhub.device.gateway.scheduler import Scheduler

    scheduler = Scheduler.connected(parse_address(engine))
    try:
        yield ThroughGateways(scheduler)
    finally:
        scheduler.close()
