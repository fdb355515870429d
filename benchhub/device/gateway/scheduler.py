"""The caller's end of dask: calls to gateways, one small task each, through their scheduler.

A call may arrive twice, and a gateway begins nothing twice; so one that was lost is simply made
again. Nothing stays with dask: an answer is let go as soon as it is here.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from benchhub.device.gateway.address import SchedulerAddress, need_dask
from benchhub.device.gateway.calls import NoGateway, answered
from benchhub.device.gateway.client import connected_client, why_not
from benchhub.device.gateway.messages import DEVICE, GATEWAY, versions
from benchhub.errors import ConfigError

_CONNECT_S = 10.0
#: A scheduler that is there answers about itself well within this.
_ASK_S = 10.0
#: An answer is never later than this after its gateway should have given it.
_GRACE_S = 15.0
#: What was only told has so long to arrive before the scheduler is left.
_TOLD_S = 5.0
#: What gateways there are is asked again after so long.
_FRESH_S = 2.0


class CallLost(Exception):
    """A call without an answer: says why; it may have arrived."""


class Scheduler:
    """A scheduler that answers, and the gateways behind it; safe between threads."""

    def __init__(self, address: SchedulerAddress) -> None:
        need_dask()
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # said in our own words
        self.address = address
        self._security = address.security()
        self._lock = threading.Lock()
        self._client: Any = None
        self._offered: frozenset[str] = frozenset()
        self._asked_at = self._refused_at = float("-inf")
        self._refusal = ""
        self._closed = False
        self._told: set[Any] = set()
        self._sending: dict[tuple[str, str], threading.Lock] = {}

    @classmethod
    def connected(cls, address: SchedulerAddress) -> Scheduler:
        """Return it once it has answered; ConfigError: it does not, or has another dask."""
        scheduler = cls(address)
        try:
            # dask would try again for a while where nobody listens.
            socket.create_connection((address.host, address.port), _CONNECT_S).close()
        except OSError as error:
            raise ConfigError(
                f"{address}: no scheduler answers there: {error.strerror or error}; start one with"
                " `dask scheduler`"
            ) from error
        try:
            theirs = scheduler._asked("versions", packages=[])["packages"]["distributed"]
        except CallLost as error:
            scheduler.close()
            raise ConfigError(f"{address}: {error}") from error
        except (KeyError, TypeError) as error:
            scheduler.close()
            raise ConfigError(f"{address}: does not answer as a dask scheduler: {error}") from error
        ours = versions()["dask.distributed"]
        if theirs != ours:
            scheduler.close()
            raise ConfigError(
                f"{address}: the scheduler has dask.distributed {theirs}, and this is {ours}:"
                " install the same on both"
            )
        return scheduler

    @property
    def caller(self) -> str:
        """Who this is to the scheduler; empty while it is not connected."""
        client = self._client
        return "" if client is None else str(client.id)

    def devices(self) -> Collection[str]:
        """Return the names of the devices that gateways offer now; CallLost: nobody tells."""
        return {one.removeprefix(DEVICE) for one in self._resources() if one.startswith(DEVICE)}

    def has(self, gateway: str) -> bool:
        """Return whether a gateway is there; CallLost: nobody tells."""
        return GATEWAY + gateway in self._resources()

    def call(
        self,
        resource: str,
        request: bytes,
        data: bytes,
        wait_s: float,
        woken: threading.Event,
        over: Callable[[], bool],
    ) -> tuple[bytes, bytes]:
        """Return what a gateway with `resource` answers, which may take it `wait_s`.

        CallLost where it does not, or once `over`, of which whoever sets `woken` tells; NoGateway
        where who offers `resource` can answer none.
        """
        woken.clear()
        client = self._connected()
        try:
            future = client.submit(
                answered, request, data, resources={resource: 1}, pure=False, retries=0,
                key=f"benchhub-{secrets.token_hex(8)}",
            )  # fmt: skip
        except Exception as error:
            raise CallLost(_said(error)) from error
        try:
            future.add_done_callback(lambda _: woken.set())
            self._wait(future, resource, wait_s, woken)
            if over():
                raise CallLost("closed meanwhile")
            answer, lines = future.result(_GRACE_S)
        except (CallLost, NoGateway):
            raise
        except ImportError as error:
            raise NoGateway(f"it has no benchhub: {error}") from error
        except Exception as error:  # whatever dask says of a worker, a scheduler or a link
            raise CallLost(_said(error)) from error
        finally:
            with contextlib.suppress(Exception):
                future.cancel(force=True) if not future.done() else future.release()
        if not isinstance(answer, bytes) or not isinstance(lines, bytes):
            raise CallLost("the answer is none of a gateway's")
        return answer, lines

    def tell(self, resource: str, request: bytes) -> None:
        """Send a call whose answer nobody waits for, if the scheduler is there; never blocks long.

        `close` waits a moment for those that are under way.
        """
        client = self._client
        if client is None or client.status != "running":
            return
        with contextlib.suppress(Exception):
            future = client.submit(
                answered, request, b"", resources={resource: 1}, pure=False, retries=0,
                key=f"benchhub-{secrets.token_hex(8)}",
            )  # fmt: skip
            with self._lock:
                self._told = {one for one in self._told if not one.done()} | {future}

    def _wait(self, future: Any, resource: str, wait_s: float, woken: threading.Event) -> None:
        """Wait for an answer; CallLost: it is late, or who should give it is not there."""
        late_s = wait_s + _GRACE_S
        began = time.monotonic()
        while not woken.wait(_FRESH_S if time.monotonic() - began > wait_s else wait_s):
            if future.done():
                return
            if time.monotonic() - began > late_s:
                raise CallLost(f"no answer after {late_s:.0f} s")
            if resource not in self._resources():
                raise CallLost(f"no {resource.replace(':', ' ')} is known to {self.address}")

    def sending(self, resource: str, digest: str) -> threading.Lock:
        """Return what one caller at a time holds while it sends a file to a gateway."""
        with self._lock:
            return self._sending.setdefault((resource, digest), threading.Lock())

    def close(self) -> None:
        """Leave the scheduler."""
        self._closed = True
        with self._lock:
            client, self._client = self._client, None
            told, self._told = self._told, set()
        until = time.monotonic() + _TOLD_S
        while any(not one.done() for one in told) and time.monotonic() < until:
            time.sleep(0.02)
        if client is not None:
            with contextlib.suppress(Exception):
                client.close(timeout=3)

    def _resources(self) -> frozenset[str]:
        if time.monotonic() - self._asked_at > _FRESH_S:
            workers: Mapping[str, Any] = self._asked("identity", n_workers=-1)["workers"]
            self._offered = frozenset(
                resource for one in workers.values() for resource in one["resources"]
            )
            self._asked_at = time.monotonic()
        return self._offered

    def _asked(self, what: str, **values: Any) -> Any:
        """Return what the scheduler says of itself; CallLost: it says nothing."""
        client = self._connected()
        try:
            return client.sync(getattr(client.scheduler, what), callback_timeout=_ASK_S, **values)
        except TimeoutError as error:
            raise CallLost(f"the scheduler says nothing for {_ASK_S:.0f} s") from error
        except Exception as error:
            raise CallLost(_said(error)) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._closed:
                raise CallLost("closed")
            if self._client is not None and self._client.status in ("running", "connecting"):
                return self._client
            if time.monotonic() - self._refused_at < _FRESH_S:
                raise CallLost(self._refusal)  # each of many devices would wait for it in turn
            if self._client is not None:
                with contextlib.suppress(Exception):
                    self._client.close(timeout=1)
            try:
                self._client = connected_client(self.address, self._security, _CONNECT_S)
            except Exception as error:
                self._client = None
                self._refused_at, self._refusal = time.monotonic(), why_not(error)
                raise CallLost(self._refusal) from error
            return self._client


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
