"""Opening SSH connections: jump host after jump host, trust, login, and retries."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import paramiko

from benchhub.device.ssh.auth import log_in
from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.explain import HungUp, mapped
from benchhub.device.ssh.handshake import Hop, SocketFactory, shake_hands
from benchhub.device.ssh.keys.host_keys import HostKey
from benchhub.device.ssh.trust import Trust
from benchhub.device.ssh.turns import (
    CALLERS,
    GATEWAY_S,
    HANDSHAKE_S,
    HANDSHAKES,
    SERVER_S,
    AtServers,
    Turns,
)  # fmt: skip
from benchhub.errors import LinkLost

KEEPALIVE_S = 5

# Without a handler of its own, its tracebacks would go to the user's terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

#: An idle connection looks up this often, for its keepalive; what arrives wakes it at once. Ten
#: times a second, as paramiko would, a thousand of them take a processor of their own.
_IDLE_S = 2.0
_ATTEMPTS = 6
_AT_SERVERS, _HANDSHAKES = AtServers(CALLERS), Turns(HANDSHAKES, HANDSHAKE_S)

T = TypeVar("T")


class Connection:
    """A chain of SSH connections, the last of which is the device's."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.hops: list[Hop] = []

    @property
    def transport(self) -> paramiko.Transport:
        """The connection to the device itself."""
        return self.hops[-1].transport

    def close(self) -> None:
        """Close every hop, the device's first."""
        for hop in reversed(self.hops):
            hop.close()


def connect(
    endpoint: Endpoint,
    name: str,
    enrolled: tuple[HostKey, ...],
    ciphers: tuple[str, ...],
    sock_factory: SocketFactory,
) -> Connection:
    """Return an authenticated connection; every failure is a DeviceError that says what to do."""
    way = _Way(name, ciphers, sock_factory)
    return _retrying(lambda: way.open(endpoint, Trust(endpoint, name, enrolled)))


def show_host_key(
    endpoint: Endpoint, name: str, key_type: tuple[str, ...], sock_factory: SocketFactory
) -> HostKey | None:
    """Return the host key of one type that the server shows, None if it has none of that type."""
    way = _Way(name, (), sock_factory)

    def attempt() -> HostKey | None:
        connection = Connection(endpoint)
        try:
            with mapped(name, endpoint), contextlib.ExitStack() as turns:
                way.reach(connection, key_type, turns)
                return HostKey.of_blob(connection.transport.get_remote_server_key().asbytes())
        except _NoSuchKey:
            return None
        finally:
            connection.close()

    return _retrying(attempt)


class _NoSuchKey(Exception):
    """The server shows no host key of the types asked for."""


class _Way:
    """What is the same for every hop to one device."""

    def __init__(self, name: str, ciphers: tuple[str, ...], sock_factory: SocketFactory) -> None:
        self._name = name
        self._ciphers = ciphers
        self._sock_factory = sock_factory

    def open(self, endpoint: Endpoint, trust: Trust) -> Connection:
        """Return a connection to `endpoint`, trusted and logged in."""
        connection = Connection(endpoint)
        try:
            with mapped(self._name, endpoint), contextlib.ExitStack() as turns:
                try:
                    self.reach(connection, trust.algorithms(), turns)
                except _NoSuchKey as error:
                    raise trust.missing() from error
                hop = connection.hops[-1]
                trust.check(hop.transport.get_remote_server_key(), hop.on_loopback)
                log_in(hop.transport, endpoint, self._name)
                hop.transport.set_keepalive(KEEPALIVE_S)
                hop.transport.sock.settimeout(_IDLE_S)
        except BaseException:
            connection.close()
            raise
        return connection

    def reach(
        self, connection: Connection, host_keys: tuple[str, ...], turns: contextlib.ExitStack
    ) -> None:
        """Add the hops to the endpoint of `connection`, the last one as a stranger.

        That is one of those at its server, and at work here, until `turns` are closed.
        """
        endpoint = connection.endpoint
        through = None
        if endpoint.jump is not None and endpoint.proxy_command is None:
            jump = endpoint.jump
            way = self.open(jump, Trust(jump, self._name, (), role="jump host "))
            connection.hops[:] = way.hops
            through = connection.hops[-1]
        longest_s = GATEWAY_S if endpoint.proxy_pattern else SERVER_S
        turns.enter_context(_AT_SERVERS.at(endpoint.server, longest_s))
        try:
            hop = shake_hands(
                endpoint, self._name, through, host_keys, self._ciphers, self._sock_factory,
                lambda: turns.enter_context(_HANDSHAKES.turn()),
            )  # fmt: skip
        except paramiko.SSHException as error:
            if "no acceptable host key" in str(error):
                raise _NoSuchKey from error
            raise
        connection.hops.append(hop)


def _retrying(attempt: Callable[[], T]) -> T:
    for number in range(1, _ATTEMPTS + 1):
        try:
            return attempt()
        except HungUp as error:
            if number == _ATTEMPTS:
                raise LinkLost(str(error)) from error
        time.sleep(random.uniform(0.1, 0.4 * number))
    raise AssertionError("unreachable")
