"""Calls about one device to its gateway: made again where they are lost, and heard to their end."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from benchhub.device.events.parse import Broken
from benchhub.device.gateway.calls import NoGateway
from benchhub.device.gateway.lines import Lines
from benchhub.device.gateway.messages import DEVICE, GATEWAY, IDLE_S, Reply, read, versions
from benchhub.device.gateway.requests import Do, Request
from benchhub.device.gateway.scheduler import CallLost, Scheduler
from benchhub.errors import DeviceError, Interrupted, LinkLost, ProtocolFault
from benchhub.outside.heartbeat import every

#: A gateway, its scheduler or the link may be away for so long before a launch is given up.
PATIENCE_S = 60.0
#: A gateway that its scheduler has not seen for so long has ended.
_GONE_S = 10.0
#: A call that was lost is made again after so long.
_AGAIN_S = 1.0
#: A gateway that has answered no call for so long is told that its session is wanted still.
_TOUCH_S = IDLE_S / 4


class Calling:
    """A caller's session with one device; its gateway is any that offers it, until one is named.

    Whatever the gateway does wrong is a ProtocolFault, LinkLost where it is out of reach for long,
    Interrupted once it was closed.
    """

    def __init__(self, name: str, scheduler: Scheduler) -> None:
        self._name, self._scheduler = name, scheduler
        self._word = secrets.token_hex(16)
        #: What of dask's leads to who is called.
        self.resource = DEVICE + name
        #: Hears while a session is not open yet, and may raise: nobody else can end it then.
        self.on_wait: Callable[[str], None] = lambda text: None
        self._woken = threading.Event()
        self._over = False
        self._number = 0
        self._answered_at = float("-inf")
        self._beat = every(_TOUCH_S, self._touch)

    def at(self, gateway: str) -> None:
        """Have all further calls go to one gateway."""
        self.resource = GATEWAY + gateway

    def close(self) -> None:
        """Tell the gateway that the device is wanted no more; safe from any thread, and twice."""
        if self._over:
            return
        self._beat.stop()
        self._over = True
        self._woken.set()
        self._scheduler.tell(self.resource, self._request("close"))

    def do(
        self,
        what: Do,
        most_s: float,
        *,
        heard: Callable[[Reply], None] = lambda answer: None,
        lines: Lines | None = None,
        wait_s: float,
        **values: Any,
    ) -> Reply:
        """Begin something at the gateway and hear of it until it is over."""
        self._number += 1
        until = time.monotonic() + most_s
        do, after = what, 0
        while True:
            answer, data = self.call(do, n=self._number, after=after, wait_s=wait_s, **values)
            do, values = "hear", {}
            if answer.next != after + len(data):
                raise self.fault("lines that do not follow on those before")
            after = answer.next
            if lines is not None:
                try:
                    lines.add(data)
                except Broken as broken:
                    raise self.fault(str(broken)) from broken
            heard(answer)
            if answer.over:
                if answer.error is not None:
                    raise answer.error.raised(self._name)
                return answer
            if time.monotonic() > until:
                raise LinkLost(f"{self._name}: slow: its gateway answers, but {what} is overdue")

    def call(self, do: Do, data: bytes = b"", **values: Any) -> tuple[Reply, bytes]:
        """Return the gateway's answer; what is lost on the way is asked again, for a while."""
        until = time.monotonic() + PATIENCE_S
        gone_at = time.monotonic() + _GONE_S
        while True:
            if self._over:
                raise self._closed()
            try:
                answer, lines = self.sent(do, data, **values)
            except CallLost as lost:
                if self._over:
                    raise self._closed() from None
                late = time.monotonic()
                if late > until or (late > gone_at and not self._is_there()):
                    raise LinkLost(
                        f"{self._name}: its gateway is out of reach: {lost}; is it running, and its"
                        " site's link up?"
                    ) from lost
                self.on_wait("for its gateway, which does not answer")
                self._woken.wait(_AGAIN_S)
                continue
            except NoGateway as error:
                raise DeviceError(
                    f"{self._name}: who offers it to {self._scheduler.address} is no gateway of"
                    f" benchhub's: {error}; stop that, and start `benchhub gateway`"
                ) from error
            try:
                return read(answer), lines
            except Broken as broken:
                raise self.fault(str(broken)) from broken

    def _is_there(self) -> bool:
        if not self.resource.startswith(GATEWAY):
            return True
        try:
            return self._scheduler.has(self.resource.removeprefix(GATEWAY))
        except CallLost:
            return True  # the scheduler is away, and so nobody can tell

    def sent(self, do: Do, data: bytes, **values: Any) -> tuple[bytes, bytes]:
        """Return what one call is answered with; CallLost, NoGateway."""
        sent = self._request(do, **values)
        wait_s = values.get("wait_s", 0.0)
        found = self._scheduler.call(self.resource, sent, data, wait_s, self._woken, self._is_over)
        self._answered_at = time.monotonic()
        return found

    def _request(self, do: Do, **values: Any) -> bytes:
        named = {"session": self._word, "device": self._name, **values}
        named["caller"] = self._scheduler.caller
        request = Request(versions=versions(), do=do, **named)
        return request.model_dump_json(exclude_defaults=True).encode()

    def _is_over(self) -> bool:
        return self._over

    def _touch(self) -> bool:
        """Have the gateway know that somebody still wants the device, unless a call just did."""
        if not self._over and time.monotonic() - self._answered_at > _TOUCH_S:
            self._scheduler.tell(self.resource, self._request("touch"))
        return not self._over

    def fault(self, reason: str) -> ProtocolFault:
        """Return the error that says what the gateway, or the device, did wrong."""
        return ProtocolFault(self._name, reason)

    def _closed(self) -> Interrupted:
        return Interrupted(f"{self._name}: the session was closed")
