"""The link to one device: connected, fit to measure, all staged; and mended when it breaks."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benchhub.device.health.findings import (
    findings,
    is_emulated,
    left_out,
    missing_backends,
    refusal,
)
from benchhub.device.health.resources import in_memory
from benchhub.errors import (
    AuthenticationRefused,
    BackendError,
    DeviceError,
    Interrupted,
    LinkLost,
    PythonUnusable,
    Unfit,
    Unreachable,
)
from benchhub.model.device import DeviceInfo, Finding
from benchhub.model.facts import Facts
from benchhub.run.loop.cooling import come_to_rest, cool_down, pause
from benchhub.run.loop.work import Connect, DeviceWork, OpenSession, Watcher

#: How long the pause before each new try of a lost device is; the last one for all that follow.
RECONNECT_PAUSES_S = (1.0, 2.0, 5.0, 10.0)
#: A board that starts may refuse logins, or not have its disks yet, before it is itself again.
_STARTING = (Unreachable, AuthenticationRefused, PythonUnusable)
#: So many times a device is connected again to ask for its temperature alone.
_MOST_MENDS = 3


class ReconnectingSession:
    """A session that can be had again."""

    def __init__(
        self,
        work: DeviceWork,
        connect: Connect,
        watcher: Watcher,
        pauses_s: Sequence[float] = RECONNECT_PAUSES_S,
    ) -> None:
        self._work, self._connect, self._watcher = work, connect, watcher
        self._pauses_s = pauses_s
        self.session: OpenSession | None = None
        self._boot: str | None = None
        self._was_ready = False
        self._told_restarts: tuple[Finding, ...] = ()
        self._missing: Mapping[str, str] = {}
        self._info: DeviceInfo | None = None
        self._pythons: Mapping[str, str] = {}
        self._with_numpy: str | None = None
        self._moved: dict[str, int] = {"moved_bytes": 0, "moved_blobs": 0}

    def open(self) -> Mapping[str, str]:
        """Return the backends that are missing; Unreachable at once if nobody answers there.

        A device that was reached and then fell silent, or hung up, is tried again as a lost one is.
        """
        try:
            self._say_hello()
        except LinkLost:
            self.reopen()
            return self._missing
        except Unreachable as error:
            if not self._cycled(error):
                raise
            self.reopen()
            return self._missing
        try:
            self._make_ready()
        except Unreachable:
            self.reopen()
        return self._missing

    def reopen(self) -> None:
        """Connect again, for at least `reboot_wait_s` since the last byte got through.

        A device that was started anew meanwhile is checked again: Unfit ends it there.
        """
        pauses = self._pauses()
        size = sum(blob.size_bytes for blob in self._work.blobs)
        until = time.monotonic() + self._work.device.reboot_wait_s
        while True:
            self.close()
            self._pause(next(pauses))
            before = self._moved["moved_bytes"]
            try:
                self._say_hello()
                self._make_ready()
                return
            except _STARTING as error:
                # Where a push cannot go on from its middle it must not begin again for ever.
                if before < self._moved["moved_bytes"] < 3 * size:
                    pauses = self._pauses()
                    until = time.monotonic() + self._work.device.reboot_wait_s
                elif time.monotonic() >= until:
                    if not self._cycled(error):
                        raise
                    pauses = self._pauses()
                    until = time.monotonic() + self._work.device.reboot_wait_s

    def cool(self) -> None:
        """Wait until the device is below its limit of temperature; Unfit if it stays hot."""
        for mended in itertools.count(1):
            assert self.session is not None
            try:
                cool_down(self.session, self._work.device, self._watcher)
                return
            except Unreachable:
                if mended > _MOST_MENDS:
                    raise
                self.reopen()

    def expects(self, left_s: float) -> None:
        """Let those who wait for the device know about how long it is still needed."""
        if self.session is not None:
            waiting = self.session.expects(left_s)
            if self._work.power is not None:
                self._work.power.waiting = waiting

    def stage_again(self) -> None:
        """Push what the device holds no more; a link that breaks meanwhile is mended."""
        self._watcher.status(self._work.device.name, "pushing again what is gone from it")
        try:
            self._stage()
        except Unreachable:
            self.reopen()

    def python(self, backend: str) -> str | None:
        """Return the interpreter of the environment that was provisioned for `backend`, if any.

        A backend without a runtime of its own needs numpy: where the device's own Python has none,
        it takes that of another's environment.
        """
        return self._pythons.get(backend, self._with_numpy)

    def close(self) -> None:
        """End the session, if there is one."""
        if self.session is not None:
            self._watcher.connected(self._work.device.name, None)
            self.session.close()
            self.session = None

    def _pauses(self) -> itertools.chain[float]:
        return itertools.chain(self._pauses_s, itertools.repeat(self._pauses_s[-1]))

    def _pause(self, pause_s: float) -> None:
        self._watcher.status(self._work.device.name, f"link lost, again in {pause_s:.0f} s")
        pause(pause_s, self._watcher)

    def _say_hello(self) -> None:
        name = self._work.device.name
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")
        self._watcher.status(name, "connecting")
        self.session = self._connect(self._work.device)
        self._watcher.connected(name, self.session)
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")  # while connecting, so nobody closed this session

    def _make_ready(self) -> None:
        assert self.session is not None
        facts = self.session.facts()
        rebooted = self._note_boot(facts)
        info = None if self._was_ready and not rebooted else self._preflight(facts)
        self._watcher.status(self._work.device.name, "pushing models")
        self._stage()
        if info is not None:
            info = dataclasses.replace(info, staged=dict(self._moved))
            self._info = info
            self._watcher.known(info, self._missing)
            self._was_ready = True

    def _cycled(self, error: DeviceError) -> bool:
        """Return whether the device was switched off and on, because it does not answer."""
        device, power = self._work.device, self._work.power
        if power is None or not isinstance(error, Unreachable):
            return False
        if self._watcher.stopping():
            raise Interrupted(f"{device.name}: stopped")
        self.close()
        found = power.cycle(error, self._watcher.stopping)
        if found is None:
            return False
        self._watcher.status(device.name, "restarted by its power switch, waiting for it to start")
        self._told_restarts += (found,)
        known = self._info or DeviceInfo(
            device.name, device.transport, device.emulated, labels=device.labels
        )
        self._info = dataclasses.replace(known, findings=(*known.findings, found))
        self._watcher.known(self._info, self._missing)
        self._was_ready = False
        return True

    def _note_boot(self, facts: Facts) -> bool:
        """Return whether the device was started anew since it was last asked, and keep that."""
        boot = facts.text("boot_id")
        before, self._boot = self._boot, boot or self._boot
        if before is None or boot in (None, before):
            return False
        name = self._work.device.name
        self._watcher.status(name, "restarted: checking it again")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._told_restarts += (
            Finding(
                "reboot", "warn", f"restarted in the middle of the run, back at {at}",
                "its clocks may be set otherwise than in earlier launches",
                "look for the cause: power supply, heat, memory, or a watchdog",
            ),
        )  # fmt: skip
        self._was_ready = False
        return True

    def _preflight(self, facts: Facts) -> DeviceInfo:
        assert self.session is not None
        device = self._work.device
        self._pythons = {name: one.python for name, one in facts.backends.items() if one.python}
        bare = not facts.packages.get("numpy")
        self._with_numpy = next(iter(self._pythons.values()), None) if bare else None
        info = DeviceInfo(
            device.name, device.transport, is_emulated(device, facts), facts, self._told_restarts,
            labels=device.labels,
        )  # fmt: skip
        try:
            conditions = come_to_rest(self.session, device, self._watcher)
        except Unfit as restless:
            self._watcher.known(dataclasses.replace(info, error=str(restless)), {})
            raise
        if self._watcher.stopping():
            raise Interrupted(f"{device.name}: stopped")
        checks = findings(device, facts, conditions, self._work.backends)
        largest = max((blob.size_bytes for blob in self._work.blobs), default=0)
        checks = (*checks, *in_memory(conditions, largest))
        if self._work.by_default:
            checks = left_out(facts, checks, self._work.backends)
        info = dataclasses.replace(info, findings=(*checks, *self._told_restarts))
        missing = missing_backends(checks, device.name)
        error: DeviceError | None = None
        if (reason := refusal(checks)) is not None:
            error = Unfit(f"{device.name}: not fit to measure: {reason}")
        elif missing and len(missing) == len(self._work.backends):
            fixes = {check.backend for check in checks if check.fix}
            worth = [why for backend, why in missing.items() if backend in fixes]
            reason = "; ".join(worth or missing.values())
            none = (
                "has no backend that reads the files"
                if self._work.by_default
                else ("has none of the suite's backends")
            )
            error = BackendError(f"{device.name}: {none}: {reason}")
        if error is not None:
            self._watcher.known(dataclasses.replace(info, error=str(error)), {})
            raise error
        self._missing = missing
        return info

    def _stage(self) -> None:
        assert self.session is not None
        device = self._work.device.name

        def pushed(count: int) -> None:
            self._moved["moved_bytes"] += count
            self._watcher.pushed(device, count)

        report = self.session.stage(self._work.blobs, pushed)
        self._moved["moved_blobs"] += report.moved_blobs
