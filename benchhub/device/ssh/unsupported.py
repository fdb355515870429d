"""What OpenSSH can do and benchhub cannot: one line each where it would have been needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchhub.device.ssh.where import place

_OFF = ("", "no", "none", "false", "default")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A setting, what to do instead, and when its absence is felt.

    `felt` is "command" (nothing can be run at all), "login" (no key was accepted) or "host key"
    (the host's key is not known).
    """

    keyword: str
    felt: str
    instead: str


#: docs/how-to/ssh.md has them as a table.
UNSUPPORTED = (
    Unsupported(
        "RemoteCommand", "command",
        "ssh runs nothing else there; put `RemoteCommand none` for this host above it",
    ),
    Unsupported(
        "SessionType", "command",
        "ssh runs no command there; put `SessionType default` for this host above it",
    ),
    Unsupported(
        "GSSAPIAuthentication", "login",
        "benchhub has no GSSAPI; add a public key to the device's ~/.ssh/authorized_keys",
    ),
    Unsupported(
        "HostbasedAuthentication", "login",
        "benchhub does not use it; add a public key to the device's ~/.ssh/authorized_keys",
    ),
    Unsupported(
        "PKCS11Provider", "login",
        "benchhub reads no PKCS#11 token itself; give it to the agent with `ssh-add -s PROVIDER`",
    ),
    Unsupported(
        "KnownHostsCommand", "host key",
        "benchhub does not run it; write the key into a known_hosts file, or enrol the device",
    ),
    Unsupported(
        "VerifyHostKeyDNS", "host key",
        "benchhub does not ask the DNS; write the key into a known_hosts file, or enrol the device",
    ),
)  # fmt: skip


def notes(options: Mapping[str, list[str]], config: Path | None, felt: str) -> tuple[str, ...]:
    """Return a line on each setting that is on in `options` (of `ssh -G`) and is felt there."""
    said = []
    for one in UNSUPPORTED:
        value = options.get(one.keyword.lower(), [""])[0]
        if one.felt == felt and value.lower() not in _OFF:
            where = place(config, one.keyword, value)
            said.append(f"{one.keyword} is set ({where}): {one.instead}")
    return tuple(said)
