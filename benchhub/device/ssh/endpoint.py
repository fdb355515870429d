"""An SSH server as one profile reaches it: where it is, whom to trust, how to log in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What the configuration lets both sides agree on, best first; empty: whatever they can."""

    kex: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    users_keys: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: with which keys, in which order.

    `named` is the key file of the device's profile, which comes first; `notes` say what else the
    configuration offers that benchhub has not.
    """

    named: Path | None = None
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent_socket: str | None = None
    keys_allowed: bool = True
    #: Where the configuration says so, if keys are not allowed.
    forbidden_by: str = ""
    least_rsa_bits: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trusted:
    """Which host keys are known: files to look in, under which names.

    The second name is the host without its port, which OpenSSH tries where the first is unknown.
    """

    names: tuple[str, ...]
    files: tuple[Path, ...] = ()
    revoked: Path | None = None
    not_on_loopback: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SSH server and how to log in there; `jump` is the server to go through, if any."""

    alias: str
    host: str
    port: int
    user: str
    login: Login
    trusted: Trusted
    algorithms: Algorithms = Algorithms()
    proxy_command: str | None = None
    proxy_pattern: str = ""
    proxy_passes_socket: bool = False
    jump: Endpoint | None = None
    address_family: str = "any"
    bind_address: str | None = None
    connect_timeout_s: float = 10.0
    warnings: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        """What tells its server from others: its address, or the command that leads there.

        That as it was configured, with the host left open: what all devices behind a gateway share.
        """
        return self.proxy_pattern or self.where

    @property
    def where(self) -> str:
        """The address as messages show it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def enroll_command(self, name: str) -> str:
        """Return the command that enrols this server as device `name`, to be pasted."""
        words = ["benchhub", "devices", "enroll", self.alias, "--name", name]
        return shlex.join(words if self.port == 22 else [*words, "--port", str(self.port)])
