"""From an address to an encrypted connection: sockets, proxies, and what both sides agree on."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import paramiko

from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.proxy import Proxy, ProxyFailed
from benchhub.errors import ConfigError

#: Opens a TCP connection to an endpoint.
SocketFactory = Callable[[Endpoint], socket.socket]

#: GCM ciphers are twice as fast as what paramiko prefers.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr")
#: A server is asked to speak first for this long; then it hears us.
FIRST_WORD_S = 2.0
_LOOK_S = 0.02
#: A dead peer is noticed after about this long.
DEAD_PEER_S = 14
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
#: What paramiko knows by one of two names.
_SAME = {"curve25519-sha256@libssh.org": "curve25519-sha256"}


class Hop:
    """One SSH connection of a chain, and the process that carries it, if one does."""

    def __init__(self, transport: paramiko.Transport, proxy: Proxy | None, local: bool) -> None:
        self.transport = transport
        #: Whether it leads to this very machine, as its address tells.
        self.on_loopback = local
        self._proxy = proxy

    def close(self) -> None:
        """Hang up."""
        # Its thread sleeps in the socket, which closing alone would not wake.
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.transport.sock.shutdown(socket.SHUT_RDWR)
        self.transport.close()
        # An unjoined transport thread would keep its socket open past this call.
        if self.transport.is_alive():
            self.transport.join(2.0)
        # A transport that ended by itself has left its socket open.
        with contextlib.suppress(OSError):
            self.transport.sock.close()
        if self._proxy is not None:
            self._proxy.close()


def plain_socket(endpoint: Endpoint) -> socket.socket:
    """Open a TCP connection from this machine, of the family and address that are configured."""
    family = _FAMILIES.get(endpoint.address_family, socket.AF_UNSPEC)
    addresses = socket.getaddrinfo(endpoint.host, endpoint.port, family, socket.SOCK_STREAM)
    trouble: OSError | None = None
    for kind, _, protocol, _, address in addresses:
        sock = socket.socket(kind, socket.SOCK_STREAM, protocol)
        try:
            sock.settimeout(endpoint.connect_timeout_s)
            if endpoint.bind_address:
                sock.bind((endpoint.bind_address, 0))
            sock.connect(address)
        except OSError as error:
            sock.close()
            trouble = trouble or error
        else:
            return sock
    assert trouble is not None
    raise trouble


def shake_hands(
    endpoint: Endpoint,
    name: str,
    through: Hop | None,
    host_keys: Sequence[str],
    ciphers: tuple[str, ...],
    sock_factory: SocketFactory,
    spoke: Callable[[], object] = lambda: None,
) -> Hop:
    """Return an encrypted connection to `endpoint`, its host key not looked at yet.

    `through` is the hop before it, `host_keys` the algorithms to ask for and `ciphers` those of
    the profile. `spoke` is called once the server has sent something, and what follows is work.
    Raises what sockets and paramiko raise, ConfigError for what cannot be agreed on.
    """
    timeout_s = endpoint.connect_timeout_s
    sock, proxy = _carried(endpoint, through, sock_factory)
    local = through is None and proxy is None and _is_local(sock)
    try:
        if through is None and proxy is None:
            tune(sock)
        began = time.monotonic()
        if _speaks(sock, min(FIRST_WORD_S, timeout_s / 2)):
            spoke()
            began = time.monotonic()
        transport = paramiko.Transport(sock, disabled_algorithms=_disabled(endpoint))
    except BaseException:
        sock.close()
        if proxy is not None:
            proxy.close()
        raise
    hop = Hop(transport, proxy, local)
    try:
        transport.banner_timeout = timeout_s - (time.monotonic() - began)
        transport.auth_timeout = max(timeout_s, 10.0)
        transport.daemon = True
        _agree(transport, endpoint, name, host_keys, ciphers)
        transport.start_client(timeout=2 * timeout_s)
        # At its time limit start_client returns as if all were well.
        if not transport.initial_kex_done:
            raise TimeoutError("the key exchange takes too long")
    except (paramiko.SSHException, EOFError, OSError) as error:
        said = proxy.said() if proxy is not None else ""
        hop.close()
        if said and not isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
            raise ProxyFailed(said) from error
        raise
    except BaseException:
        hop.close()
        raise
    return hop


def _carried(
    endpoint: Endpoint, through: Hop | None, sock_factory: SocketFactory
) -> tuple[Any, Proxy | None]:
    """Return what carries the connection, a socket or a channel, and the process behind it."""
    timeout_s = endpoint.connect_timeout_s
    if endpoint.proxy_command:
        proxy = Proxy(endpoint.proxy_command, endpoint.proxy_passes_socket, timeout_s)
        return proxy.sock, proxy
    if through is None:
        return sock_factory(endpoint), None
    there = (endpoint.host, endpoint.port)
    channel = through.transport.open_channel(
        "direct-tcpip", there, ("127.0.0.1", 0), timeout=timeout_s
    )
    return channel, None


def _speaks(sock: Any, patience_s: float) -> bool:
    """Wait for the first byte of a server; False: none came, and some wait for ours."""
    if isinstance(sock, socket.socket):
        waiting = select.poll()
        waiting.register(sock, select.POLLIN)
        return bool(waiting.poll(1000 * patience_s))
    until = time.monotonic() + patience_s
    while not (sock.recv_ready() or sock.closed or sock.eof_received):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _agree(
    transport: paramiko.Transport,
    endpoint: Endpoint,
    name: str,
    host_keys: Sequence[str],
    ciphers: tuple[str, ...],
) -> None:
    """Offer what the profile and the ssh configuration allow; ConfigError where that is nothing."""
    options = transport.get_security_options()
    options.key_types = tuple(host_keys) or options.key_types
    supported = tuple(options.ciphers)
    if unknown := [cipher for cipher in ciphers if cipher not in supported]:
        raise ConfigError(
            f"{name}: ciphers: {unknown[0]!r} is not supported; choose from {', '.join(supported)}"
        )
    preferred = tuple(dict.fromkeys((*(ciphers or CIPHERS), *supported)))
    allowed = endpoint.algorithms
    if ciphers:
        options.ciphers = preferred
    else:
        options.ciphers = _allowed(preferred, allowed.ciphers, "Ciphers", name)
    options.digests = _allowed(tuple(options.digests), allowed.macs, "MACs", name)
    options.kex = _allowed(tuple(options.kex), allowed.kex, "KexAlgorithms", name)


def _allowed(
    offered: tuple[str, ...], allowed: Sequence[str], keyword: str, name: str
) -> tuple[str, ...]:
    both = tuple(x for x in offered if not allowed or x in allowed or _SAME.get(x) in allowed)
    if not both:
        raise ConfigError(
            f"{name}: {keyword} of its ssh configuration leaves none that paramiko has; add one "
            f"of {', '.join(offered)}"
        )
    return both


def _disabled(endpoint: Endpoint) -> dict[str, list[str]]:
    """Return the signatures that RSA keys of the user must not make."""
    accepted = " ".join(endpoint.algorithms.users_keys)
    rsa = ("rsa-sha2-512", "rsa-sha2-256")
    return {"pubkeys": [kind for kind in rsa if accepted and kind not in accepted]}


def _is_local(sock: socket.socket) -> bool:
    try:
        address = str(sock.getpeername()[0])
    except OSError:
        return False
    return address.startswith("127.") or address == "::1"


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
