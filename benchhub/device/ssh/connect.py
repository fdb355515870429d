"""Opening SSH connections: tuned sockets, jump hosts, retries, and the mapping of errors."""

from __future__ import annotations

import contextlib
import logging
import random
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import paramiko

from benchhub.device.ssh import host_keys
from benchhub.device.ssh.auth import log_in
from benchhub.device.ssh.config import Endpoint
from benchhub.device.ssh.host_keys import HostKey
from benchhub.errors import (
    BenchhubError,
    ConfigError,
    DeviceError,
    HostKeyChanged,
    Unreachable,
)

#: Opens a TCP connection: (host, port, timeout_s) -> socket.
SocketFactory = Callable[[str, int, float], socket.socket]

#: GCM ciphers are twice as fast as what paramiko prefers.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr")
#: A dead peer is noticed after about this long.
DEAD_PEER_S = 14
KEEPALIVE_S = 5

# Without a handler of its own, its tracebacks would go to the user's terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

# sshd refuses at random from 10 unauthenticated connections on (MaxStartups 10:30:100).
_CONNECTING = threading.BoundedSemaphore(8)
_ATTEMPTS = 6

T = TypeVar("T")


class _Refused(Exception):
    """The server hung up before its banner: it may have too many callers right now."""


def plain_socket(host: str, port: int, timeout_s: float) -> socket.socket:
    """Open a TCP connection from this machine."""
    return socket.create_connection((host, port), timeout_s)


class Connection:
    """A chain of SSH transports, the last of which is the device's."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.hops: list[paramiko.Transport] = []

    @property
    def transport(self) -> paramiko.Transport:
        """The connection to the device itself."""
        return self.hops[-1]

    def close(self) -> None:
        """Close every hop, the device's first."""
        for hop in reversed(self.hops):
            hop.close()
            # An unjoined transport thread would keep its socket open past this call.
            if hop.is_alive():
                hop.join(2.0)
            # A transport that ended by itself has left its socket open.
            with contextlib.suppress(OSError):
                hop.sock.close()
            if isinstance(hop.sock, paramiko.ProxyCommand):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    hop.sock.process.wait(2.0)
                child = hop.sock.process
                for pipe in (child.stdin, child.stdout, child.stderr):
                    if pipe is not None:
                        pipe.close()


def connect(
    endpoint: Endpoint,
    name: str,
    enrolled: tuple[HostKey, ...],
    ciphers: tuple[str, ...] = (),
    sock_factory: SocketFactory = plain_socket,
) -> Connection:
    """Return an authenticated connection; every failure is a DeviceError that says what to do."""
    return _retrying(lambda: _open(endpoint, name, enrolled, ciphers, sock_factory, True), name)


def show_host_key(
    endpoint: Endpoint, name: str, key_type: tuple[str, ...], sock_factory: SocketFactory
) -> HostKey | None:
    """Return the host key of one type that the server shows, None if it has none of that type."""

    def attempt() -> HostKey | None:
        connection = Connection(endpoint)
        try:
            _through_jumps(connection, name, (), sock_factory)
            _handshake(connection, endpoint, name, key_type, (), sock_factory)
            return host_keys.of(connection.transport.get_remote_server_key())
        except paramiko.SSHException as error:
            if "no acceptable host key" in str(error):
                return None
            raise
        finally:
            connection.close()

    return _retrying(attempt, name, endpoint)


def _retrying(attempt: Callable[[], T], name: str, endpoint: Endpoint | None = None) -> T:
    for number in range(1, _ATTEMPTS + 1):
        try:
            with _CONNECTING:
                if endpoint is None:
                    return attempt()
                with mapped(name, endpoint):
                    return attempt()
        except _Refused as error:
            if number == _ATTEMPTS:
                raise Unreachable(str(error)) from error
        time.sleep(random.uniform(0.1, 0.4 * number))
    raise AssertionError("unreachable")


def _open(
    endpoint: Endpoint,
    name: str,
    enrolled: tuple[HostKey, ...],
    ciphers: tuple[str, ...],
    sock_factory: SocketFactory,
    is_device: bool,
) -> Connection:
    connection = Connection(endpoint)
    try:
        with mapped(name, endpoint):
            _through_jumps(connection, name, ciphers, sock_factory)
            if is_device:
                known = enrolled
            else:
                known = host_keys.known_hosts(endpoint.known_as, endpoint.known_hosts)
            try:
                types = host_keys.algorithms(known)
                _handshake(connection, endpoint, name, types, ciphers, sock_factory)
            except paramiko.SSHException as error:
                if known and "no acceptable host key" in str(error):
                    raise HostKeyChanged(
                        f"{name}: {endpoint.where} no longer shows a host key of the enrolled type "
                        f"({', '.join(map(str, known))}); if it was reinstalled, check its new key "
                        f"and run `{endpoint.enroll_command(name)}` again"
                    ) from error
                raise
            shown = host_keys.of(connection.transport.get_remote_server_key())
            if is_device:
                command = endpoint.enroll_command(name)
                host_keys.check_device(shown, enrolled, name, endpoint.alias, command)
            else:
                files = endpoint.known_hosts
                host_keys.check_jump(shown, endpoint.known_as, files, name, endpoint.where)
            log_in(connection.transport, endpoint, name)
            connection.transport.set_keepalive(KEEPALIVE_S)
    except BaseException:
        connection.close()
        raise
    return connection


def _through_jumps(
    connection: Connection, name: str, ciphers: tuple[str, ...], sock_factory: SocketFactory
) -> None:
    jump = connection.endpoint.jump
    if jump is not None and connection.endpoint.proxy_command is None:
        way = _open(jump, name, (), ciphers, sock_factory, False)
        connection.hops[:] = way.hops


def _handshake(
    connection: Connection,
    endpoint: Endpoint,
    name: str,
    key_types: tuple[str, ...],
    ciphers: tuple[str, ...],
    sock_factory: SocketFactory,
) -> None:
    timeout_s = endpoint.connect_timeout_s
    sock: Any
    if endpoint.proxy_command:
        # paramiko splits the command itself; OpenSSH gives it to a shell.
        sock = paramiko.ProxyCommand(shlex.join(["sh", "-c", f"exec {endpoint.proxy_command}"]))
    elif connection.hops:
        sock = connection.transport.open_channel(
            "direct-tcpip", (endpoint.host, endpoint.port), ("127.0.0.1", 0), timeout=timeout_s
        )
    else:
        sock = sock_factory(endpoint.host, endpoint.port, timeout_s)
    try:
        if not connection.hops and not endpoint.proxy_command:
            tune(sock)
        transport = paramiko.Transport(sock)
    except BaseException:
        sock.close()
        raise
    connection.hops.append(transport)
    transport.banner_timeout = timeout_s
    transport.auth_timeout = max(timeout_s, 10.0)
    transport.daemon = True
    options = transport.get_security_options()
    if key_types:
        options.key_types = tuple(t for t in options.key_types if t in key_types) or key_types
    preferred = ciphers or CIPHERS
    supported = tuple(options.ciphers)
    if unknown := [cipher for cipher in preferred if cipher not in supported]:
        raise ConfigError(
            f"{name}: ciphers: {unknown[0]!r} is not supported; choose from {', '.join(supported)}"
        )
    options.ciphers = tuple(dict.fromkeys((*preferred, *supported)))
    transport.start_client(timeout=2 * timeout_s)
    # At its time limit start_client returns as if all were well.
    if not transport.initial_kex_done:
        raise TimeoutError("the key exchange takes too long")


def tune(sock: socket.socket) -> None:
    """Send small packets at once, and notice a dead peer in about DEAD_PEER_S seconds."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Not every system has every one of these.
    for option, value in (
        ("TCP_KEEPIDLE", 5),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", DEAD_PEER_S * 1000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@contextlib.contextmanager
def mapped(name: str, endpoint: Endpoint) -> Iterator[None]:
    """Turn what sockets and paramiko raise into benchhub's errors; the only place that does."""
    try:
        yield
    except (BenchhubError, _Refused):
        raise
    except paramiko.SSHException as error:
        raise _ssh_error(error, name, endpoint) from error
    except (OSError, EOFError) as error:
        raise _socket_error(error, name, endpoint) from error


def _socket_error(error: Exception, name: str, endpoint: Endpoint) -> Exception:
    where = f"{name}: {endpoint.where}"
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"{name}: host {endpoint.host!r} is unknown ({error.strerror}); check `host` in its "
            "profile or your ssh configuration"
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{where} refuses connections; is sshd running there?")
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{where} does not answer within {endpoint.connect_timeout_s:g} s; is it switched on?"
        )
    if isinstance(error, EOFError | ConnectionResetError | BrokenPipeError):
        return _Refused(f"{where} closed the connection; try again, or look at its sshd log")
    reason = getattr(error, "strerror", None) or error
    return Unreachable(f"{where} cannot be reached: {reason}; check the network to it")


def _ssh_error(error: paramiko.SSHException, name: str, endpoint: Endpoint) -> Exception:
    where, text = f"{name}: {endpoint.where}", str(error)
    if isinstance(error, paramiko.ChannelException):
        return Unreachable(
            f"{where} cannot be reached through its jump host ({error.text}); is it switched on?"
        )
    if isinstance(error, paramiko.ProxyCommandFailure):
        return Unreachable(f"{where}: its ProxyCommand failed: {text}; try `ssh {endpoint.alias}`")
    # paramiko words a server that hangs up and one that is silent alike.
    if isinstance(error.__context__, TimeoutError):
        return Unreachable(
            f"{where} says nothing within {endpoint.connect_timeout_s:g} s; does it hang?"
        )
    if "banner" in text or "EOF" in text or "Server connection dropped" in text:
        return _Refused(
            f"{where} hung up before saying anything ({text}); it may have too many callers "
            "(MaxStartups), or this is no SSH server"
        )
    if "timed out" in text.lower() or "timeout" in text.lower():
        return Unreachable(f"{where} stopped answering: {text}; check the network to it")
    return DeviceError(f"{where}: {text}; try `ssh {endpoint.alias}`")
