"""Whether a server may be taken for the one that was meant, by the host key it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import paramiko

from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.keys import certificates, files, known_hosts
from benchhub.device.ssh.keys.certificates import Certificate
from benchhub.device.ssh.keys.host_keys import KEY_TYPES, HostKey, signatures
from benchhub.device.ssh.keys.known_hosts import Entry, Mark
from benchhub.errors import ConfigError, HostKeyChanged, HostKeyRevoked, HostKeyUnknown

_REVOCATION_LIST = b"SSHKRL\n\0"
#: What paramiko can verify, best first; certificates are asked for where an authority is known.
_PLAIN = tuple(name for kind in KEY_TYPES for name in kind)


class Trust:
    """What one server may show: the keys it was enrolled with, or those its known_hosts have.

    `role` is "" for a device and "jump host " for a server on the way to one.
    """

    def __init__(
        self, endpoint: Endpoint, name: str, enrolled: Sequence[HostKey], role: str = ""
    ) -> None:
        self._endpoint = endpoint
        self._name = name
        self._role = role
        self._enrolled = tuple(enrolled)
        self._known = known_hosts.read(endpoint.trusted.files)

    def algorithms(self) -> tuple[str, ...]:
        """Return the host key algorithms to ask for, best first; ConfigError if none is left."""
        if self._enrolled:
            return signatures(self._enrolled)
        names, wanted = self._endpoint.trusted.names, self._endpoint.algorithms.host_keys
        known = signatures([e.key for name in names for e in self._known.about(name)])
        plain = sorted(_PLAIN, key=lambda kind: kind not in known)
        signed = [kind + certificates.SUFFIX for kind in _PLAIN] if self._authorities() else []
        offered = tuple(kind for kind in (*signed, *plain) if not wanted or kind in wanted)
        if not offered:
            raise ConfigError(
                f"{self._name}: HostKeyAlgorithms of its ssh configuration leaves none that "
                f"paramiko can verify; add one of {', '.join(_PLAIN)}"
            )
        return offered

    def check(self, shown: paramiko.PKey, on_loopback: bool = False) -> None:
        """Accept what the server showed; HostKeyUnknown, HostKeyChanged or HostKeyRevoked."""
        key = HostKey.of_blob(shown.asbytes())
        signed = certificate(shown)
        if self._enrolled:
            self._check_enrolled(key)
            self._check_revoked(key, signed)
        elif not (on_loopback and self._endpoint.trusted.not_on_loopback):
            self._check_revoked(key, signed)
            self._check_known(key, signed)

    def missing(self) -> HostKeyChanged:
        """Return the error for a server that shows no key of the enrolled types."""
        command = self._endpoint.enroll_command(self._name)
        return HostKeyChanged(
            f"{self._name}: {self._endpoint.where} no longer shows a host key of the enrolled type "
            f"({', '.join(map(str, self._enrolled))}); if it was reinstalled, check its new key "
            f"and run `{command}` again"
        )

    def _check_enrolled(self, shown: HostKey) -> None:
        if shown not in self._enrolled:
            expected = ", ".join(str(key) for key in self._enrolled)
            raise HostKeyChanged(
                f"{self._name}: {self._endpoint.alias} shows host key {shown}, but {expected} was "
                "enrolled; if the device was reinstalled, check the new fingerprint on it and run "
                f"`{self._endpoint.enroll_command(self._name)}` again; otherwise somebody may be "
                "in between"
            )

    def _check_revoked(self, shown: HostKey, signed: Certificate | None) -> None:
        keys = {shown} | ({signed.authority} if signed else set())
        for entry in self._about(Mark.REVOKED):
            if entry.key in keys:
                raise HostKeyRevoked(
                    f"{self._shows(shown)}, which {entry.where} revokes; do not use this device "
                    "until it has a new key, or take that line out if it is wrong"
                )
        if file := self._endpoint.trusted.revoked:
            for key in keys:
                if reason := _revoked_by(file, key):
                    raise HostKeyRevoked(
                        f"{self._shows(shown)}, which RevokedHostKeys {file} {reason}; do not use "
                        "this device until it has a new key, or mend that file"
                    )

    def _check_known(self, shown: HostKey, signed: Certificate | None) -> None:
        trouble = ""
        if signed is not None and signed.authority in (a.key for a in self._authorities()):
            trouble = self._why_not(signed) or ""
            if not trouble:
                return
        for name in self._endpoint.trusted.names:
            entries = self._known.about(name)
            if any(entry.key == shown for entry in entries):
                return
            if entries and name == self._endpoint.trusted.names[0]:
                raise self._changed(shown, entries, name, trouble)
        raise self._unknown(shown, signed, trouble)

    def _why_not(self, signed: Certificate) -> str | None:
        endpoint = self._endpoint
        # Certificates name hosts without ports.
        host = endpoint.trusted.names[-1]
        reason = signed.why_not_host(host, endpoint.algorithms.authorities)
        return reason and f"its certificate {signed.name!r} {reason}"

    def _authorities(self) -> tuple[Entry, ...]:
        return self._about(Mark.AUTHORITY)

    def _about(self, mark: Mark) -> tuple[Entry, ...]:
        names = self._endpoint.trusted.names
        return tuple(entry for name in names for entry in self._known.about(name, mark))

    def _shows(self, shown: HostKey) -> str:
        return f"{self._name}: {self._role}{self._endpoint.where} shows host key {shown}"

    def _changed(
        self, shown: HostKey, entries: Sequence[Entry], name: str, trouble: str
    ) -> HostKeyChanged:
        alike = [entry for entry in entries if entry.key.type == shown.type] or list(entries)
        there = alike[0]
        return HostKeyChanged(
            f"{self._shows(shown)}, but {there.where} has {there.key}{_and(trouble)}; if it was "
            f"reinstalled, run `ssh-keygen -f {there.file} -R '{name}'`, connect to it once with "
            "ssh and compare the fingerprint; otherwise somebody may be in between"
        )

    def _unknown(self, shown: HostKey, signed: Certificate | None, trouble: str) -> HostKeyUnknown:
        trusted, files = self._endpoint.trusted, self._known.files
        there = [path for path in files if os.path.isfile(path)] or list(files[:1])
        listing = " and ".join(map(str, there))
        more = [trouble] if trouble else []
        if not trouble and (authorities := self._authorities()):
            theirs = f"one of {signed.authority}" if signed else "none"
            more.append(
                f"{authorities[0].where} trusts certificates of {authorities[0].key}, and it "
                f"shows {theirs}"
            )
        more += [f"{file} line {line} cannot be read" for file, line in self._known.unread[:3]]
        more += (*self._known.closed, *trusted.notes)
        lacking = f"{listing} {'does' if len(there) == 1 else 'do'} not have"
        known = f"which {lacking}" if there else "and its configuration names no known_hosts file"
        if self._role:
            mend = "connect to it once with ssh and compare the fingerprint"
        else:
            command = self._endpoint.enroll_command(self._name)
            mend = f"compare that fingerprint with the device's own and run `{command}`"
        return HostKeyUnknown(f"{self._shows(shown)}, {known}{_and('; '.join(more))}; {mend}")


def certificate(shown: paramiko.PKey) -> Certificate | None:
    """Return the certificate that came with a host key, None if there is none to be read."""
    if shown.public_blob is None:
        return None
    try:
        return certificates.parse(shown.public_blob.key_blob)
    except ValueError:
        return None


def _and(more: str) -> str:
    return f" ({more})" if more else ""


def _revoked_by(file: Path, key: HostKey) -> str | None:
    """Return what a file of revoked keys says of `key`; None if it does not revoke it.

    It holds public keys, a line each, or is a revocation list, which ssh-keygen is asked about.
    """
    try:
        content = files.content(file)
    except OSError as error:
        return f"might revoke, and cannot be read ({error.strerror})"
    if not content.startswith(_REVOCATION_LIST):
        return "revokes" if key in known_hosts.public_lines(content) else None
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        return "might revoke, and ssh-keygen is not there to tell (install openssh-client)"
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as public:
        public.write(f"{key.line}\n")
        public.flush()
        done = subprocess.run(
            [keygen, "-Q", "-f", str(file), public.name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
        )
    if done.returncode == 0:
        return None
    if "REVOKED" in done.stdout:
        return "revokes"
    return f"might revoke, and cannot be read ({' '.join(done.stderr.split())})"
