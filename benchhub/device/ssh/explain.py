"""What sockets and paramiko raise, as benchhub's errors; the only place that maps them."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

import paramiko

from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.proxy import ProxyFailed
from benchhub.errors import BenchhubError, DeviceError, Unreachable, WayBroken

_AGREEING = {
    "kex": "KexAlgorithms",
    "cipher": "Ciphers",
    "mac": "MACs",
    "host key": "HostKeyAlgorithms",
}


class HungUp(Exception):
    """The server hung up before its banner: it may have too many callers right now."""


@contextlib.contextmanager
def mapped(name: str, endpoint: Endpoint) -> Iterator[None]:
    """Turn what sockets and paramiko raise into benchhub's errors."""
    try:
        yield
    except (BenchhubError, HungUp):
        raise
    except ProxyFailed as error:
        raise _proxy_error(str(error), name, endpoint) from error
    except paramiko.SSHException as error:
        raise _ssh_error(error, name, endpoint) from error
    except (OSError, EOFError) as error:
        raise _socket_error(error, name, endpoint) from error


def _proxy_error(said: str, name: str, endpoint: Endpoint) -> Unreachable:
    return WayBroken(
        f"{name}: {endpoint.where}: its ProxyCommand failed: {said}; try `ssh {endpoint.alias}`"
    )


def _socket_error(error: Exception, name: str, endpoint: Endpoint) -> Exception:
    where = f"{name}: {endpoint.where}"
    if isinstance(error, socket.gaierror):
        return WayBroken(
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
        return HungUp(f"{where} closed the connection; try again, or look at its sshd log")
    reason = getattr(error, "strerror", None) or error
    # Where there is no route to the host itself it may be off; all else is nearer to here.
    kind = Unreachable if getattr(error, "errno", None) == errno.EHOSTUNREACH else WayBroken
    return kind(f"{where} cannot be reached: {reason}; check the network to it")


def _ssh_error(error: paramiko.SSHException, name: str, endpoint: Endpoint) -> Exception:
    where, text = f"{name}: {endpoint.where}", str(error)
    if isinstance(error, paramiko.ChannelException):
        return Unreachable(
            f"{where} cannot be reached through its jump host ({error.text}); is it switched on, "
            "and does the jump host's sshd allow AllowTcpForwarding?"
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return _incompatible(text, where)
    # paramiko words a server that hangs up and one that is silent alike.
    if isinstance(error.__context__, TimeoutError):
        return Unreachable(
            f"{where} says nothing within {endpoint.connect_timeout_s:g} s; does it hang?"
        )
    if "banner" in text or "EOF" in text or "Server connection dropped" in text:
        return HungUp(
            f"{where} hung up before saying anything ({text}); it may have too many callers "
            "(MaxStartups), or this is no SSH server"
        )
    if "timed out" in text.lower() or "timeout" in text.lower():
        return Unreachable(f"{where} stopped answering: {text}; check the network to it")
    return DeviceError(f"{where}: {text}; try `ssh {endpoint.alias}`")


def _incompatible(text: str, where: str) -> DeviceError:
    for what, keyword in _AGREEING.items():
        if what in text:
            return DeviceError(
                f"{where} speaks no {what} algorithm that paramiko has and the ssh configuration "
                f"allows; add one to {keyword} in its sshd_config, or in yours "
                "(docs/how-to/ssh.md lists them)"
            )
    return DeviceError(f"{where}: {text}; docs/how-to/ssh.md lists the algorithms benchhub has")
