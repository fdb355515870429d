"""OpenSSH certificates (PROTOCOL.certkeys): what one says, and whether a host may show it."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import paramiko
from paramiko.pkey import UnknownKeyType

from benchhub.device.ssh.keys.host_keys import FIELDS, HostKey, is_key
from benchhub.device.ssh.keys.wire_format import Malformed, Reader, string

SUFFIX = "-cert-v01@openssh.com"
#: What a certificate is for; 1 is for users.
HOST = 2


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an authority has signed: for which key, as whom, from when until when (seconds)."""

    key: HostKey
    kind: int
    name: str
    principals: tuple[str, ...]
    valid_from: int
    valid_until: int
    has_conditions: bool
    authority: HostKey
    signed: bytes
    signature: bytes

    def why_not_host(
        self, host: str, algorithms: Collection[str], now: float | None = None
    ) -> str | None:
        """Return why this does not make its key that of `host`, None if it does.

        `algorithms` are the signatures that are accepted of authorities.
        """
        if self.kind != HOST:
            return "is one for users"
        if outdated := self.why_not_now(now):
            return outdated
        if self.principals and host not in self.principals:
            return f"is for {', '.join(self.principals)}, not for {host}"
        if self.has_conditions:
            return "has conditions that nobody knows"
        with_ = Reader(self.signature).string().decode("ascii", "replace")
        if algorithms and with_ not in algorithms:
            return f"is signed with {with_}, which CASignatureAlgorithms leaves out"
        if not self._is_signed():
            return "has a wrong signature"
        return None

    def why_not_now(self, now: float | None = None) -> str | None:
        """Return why this is not valid at `now` (seconds; None: this moment), None if it is."""
        now = time.time() if now is None else now
        if now < self.valid_from:
            return f"is valid only from {_day(self.valid_from)} on"
        if now >= self.valid_until:
            return f"expired on {_day(self.valid_until)}"
        return None

    def _is_signed(self) -> bool:
        try:
            key = paramiko.PKey.from_type_string(self.authority.type, self.authority.blob)
            return bool(key.verify_ssh_sig(self.signed, paramiko.Message(self.signature)))
        except (paramiko.SSHException, UnknownKeyType, ValueError):
            return False


def parse(blob: bytes) -> Certificate:
    """Return what the certificate `blob` says; Malformed (a ValueError) if it is none."""
    fields = Reader(blob)
    shown = fields.string().decode("ascii", "replace")
    kind = shown.removesuffix(SUFFIX) + ("@openssh.com" if shown.startswith("sk-") else "")
    if not shown.endswith(SUFFIX) or kind not in FIELDS:
        raise Malformed(f"a certificate of type {shown!r} is unknown")
    fields.string()  # the nonce
    numbers = [fields.string() for _ in range(FIELDS[kind])]
    fields.number(8)  # its serial number
    purpose = fields.number()
    name = fields.string().decode("utf-8", "replace")
    principals = Reader(fields.string()).strings()
    valid_from, valid_until = fields.number(8), fields.number(8)
    critical = fields.string()
    fields.string()  # extensions, which nobody has to know
    fields.string()  # reserved
    authority = fields.string()
    end = fields.at
    signature = fields.string()
    key = b"".join(map(string, [kind.encode(), *numbers]))
    if fields.at != len(blob) or not is_key(key) or not is_key(authority):
        raise Malformed("it holds no keys, or more than a certificate")
    if len(Reader(signature).strings()) < 2:
        raise Malformed("it is not signed")
    return Certificate(
        key=HostKey.of_blob(key),
        kind=purpose,
        name=name,
        principals=tuple(p.decode("utf-8", "replace") for p in principals),
        valid_from=valid_from,
        valid_until=valid_until,
        has_conditions=bool(critical),
        authority=HostKey.of_blob(authority),
        signed=blob[:end],
        signature=signature,
    )


def _day(seconds: int) -> str:
    if seconds >= 253_402_300_800:  # year 10000
        return "a day that never comes"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
