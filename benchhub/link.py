"""The link to one device: connected, fit to measure, all staged; and mended when it breaks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from benchhub.device.health import findings, refusal
from benchhub.device.session import DeviceSession
from benchhub.errors import BackendError, DeviceError, Interrupted, Unreachable
from benchhub.model import DeviceInfo
from benchhub.order import Connect, Order, Watcher

#: How often a lost device is tried again, and how long the pause before each try is.
RECONNECT_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 20.0)


class Link:
    """A session that can be had again."""

    def __init__(self, order: Order, connect: Connect, watcher: Watcher) -> None:
        self._order, self._connect, self._watcher = order, connect, watcher
        self.session: DeviceSession | None = None
        self._was_ready = False
        self._missing: Mapping[str, str] = {}
        self._moved: dict[str, int] = {"moved_bytes": 0, "moved_blobs": 0}

    def open(self) -> Mapping[str, str]:
        """Return the backends that are missing; Unreachable at once if the device never answers."""
        self._say_hello()
        try:
            self._make_ready()
        except Unreachable:
            self.reopen()
        return self._missing

    def reopen(self) -> None:
        """Connect again, as often as RECONNECT_PAUSES_S has it since the last byte got through."""
        pauses = list(RECONNECT_PAUSES_S)
        size = sum(blob.size_bytes for blob in self._order.blobs)
        while True:
            self.close()
            self._pause(pauses.pop(0))
            before = self._moved["moved_bytes"]
            try:
                self._say_hello()
                self._make_ready()
                return
            except Unreachable:
                # Where a push cannot go on from its middle it must not begin again for ever.
                if before < self._moved["moved_bytes"] < 3 * size:
                    pauses = list(RECONNECT_PAUSES_S)
                elif not pauses:
                    raise

    def _pause(self, pause_s: float) -> None:
        self._watcher.status(self._order.device.name, f"link lost, again in {pause_s:.0f} s")
        until = time.monotonic() + pause_s
        while not self._watcher.stopping() and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(0.2, left_s))

    def _say_hello(self) -> None:
        name = self._order.device.name
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")
        self._watcher.status(name, "connecting")
        self.session = self._connect(self._order.device)
        self._watcher.connected(name, self.session)
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")  # while connecting, so nobody closed this session

    def _make_ready(self) -> None:
        info = None if self._was_ready else self._preflight()
        self._watcher.status(self._order.device.name, "pushing models")
        self._stage()
        if info is not None:
            info = dataclasses.replace(info, staged=dict(self._moved))
            self._watcher.known(info, self._missing)
            self._was_ready = True

    def close(self) -> None:
        """End the session, if there is one."""
        if self.session is not None:
            self._watcher.connected(self._order.device.name, None)
            self.session.close()
            self.session = None

    def _preflight(self) -> DeviceInfo:
        assert self.session is not None
        device = self._order.device
        facts, conditions = self.session.facts(), self.session.conditions()
        checks = findings(device, facts, conditions, self._order.backends)
        info = DeviceInfo(
            device.name, device.transport, device.emulated, facts, checks, labels=device.labels
        )
        missing = {
            check.check.removeprefix("backend "): f"{check.found} on {device.name}; {check.fix}"
            for check in checks
            if check.check.startswith("backend ") and check.level != "ok"
        }
        error: DeviceError | None = None
        if (reason := refusal(checks)) is not None:
            error = DeviceError(f"{device.name}: not fit to measure: {reason}")
        elif missing and len(missing) == len(self._order.backends):
            reason = "; ".join(missing.values())
            error = BackendError(f"{device.name}: has none of the suite's backends: {reason}")
        if error is not None:
            self._watcher.known(dataclasses.replace(info, error=str(error)), {})
            raise error
        self._missing = missing
        return info

    def _stage(self) -> None:
        assert self.session is not None
        device = self._order.device.name

        def pushed(count: int) -> None:
            self._moved["moved_bytes"] += count
            self._watcher.pushed(device, count)

        report = self.session.stage(self._order.blobs, pushed)
        self._moved["moved_blobs"] += report.moved_blobs
