"""SSH host keys: what a device showed when it was enrolled is the only thing it may show later."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from benchhub.errors import ConfigError, HostKeyChanged, HostKeyUnknown

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
#: In the order they are preferred at enrolment.
KEY_TYPES = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256",),
    ("ecdsa-sha2-nistp384",),
    ("ecdsa-sha2-nistp521",),
    _RSA,
)


@dataclass(frozen=True, slots=True)
class HostKey:
    """One public host key; `line` is what goes into a profile's `host_key`."""

    type: str
    base64: str

    @property
    def fingerprint(self) -> str:
        """SHA256:..., as OpenSSH prints it."""
        digest = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def line(self) -> str:
        """The key in the known_hosts format, without host names."""
        return f"{self.type} {self.base64}"

    def __str__(self) -> str:
        return f"{self.type} {self.fingerprint}"


def parse(text: str, owner: str = "host_key") -> tuple[HostKey, ...]:
    """Return the keys in `text`, one `TYPE BASE64 [comment]` a line; ConfigError if malformed.

    A line as `ssh-keyscan` prints it, with the host's name in front, is understood too.
    """
    keys = []
    for line in text.replace("\\n", "\n").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2 and not _is_type(words[0]) and _is_type(words[1]):
            words = words[1:]
        try:
            blob = base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error):
            blob = b""
        name = words[0].encode()
        if not blob.startswith(len(name).to_bytes(4, "big") + name):
            raise ConfigError(
                f"{owner}: {line.strip()[:40]!r} is not a host key; expected 'ssh-ed25519 AAAA..."
                "', as `benchhub devices enroll HOST` writes it"
            )
        keys.append(HostKey(words[0], words[1]))
    return tuple(keys)


def fingerprint(host_key_line: str) -> str:
    """Return the SHA256 fingerprint of one known_hosts-format key line."""
    return parse(host_key_line)[0].fingerprint


def of(key: paramiko.PKey) -> HostKey:
    """Return the HostKey of a key that a server showed."""
    return HostKey(key.get_name(), key.get_base64())


def algorithms(keys: Sequence[HostKey]) -> tuple[str, ...]:
    """Return the signature algorithms to negotiate, so that the server shows one of `keys`."""
    names: list[str] = []
    for key in keys:
        names += _RSA if key.type == "ssh-rsa" else (key.type,)
    return tuple(dict.fromkeys(names))


def check_device(
    shown: HostKey, enrolled: Sequence[HostKey], name: str, host: str, enroll_command: str
) -> None:
    """Accept `shown` only if it was enrolled; HostKeyUnknown or HostKeyChanged otherwise.

    `enroll_command` is what the messages tell the user to run.
    """
    if not enrolled:
        raise HostKeyUnknown(
            f"{name}: {host} is not enrolled (it shows {shown}); compare that fingerprint with the "
            f"device's own and run `{enroll_command}`"
        )
    if shown not in enrolled:
        expected = ", ".join(str(key) for key in enrolled)
        raise HostKeyChanged(
            f"{name}: {host} shows host key {shown}, but {expected} was enrolled; if the device "
            "was reinstalled, check the new fingerprint on it and run "
            f"`{enroll_command}` again; otherwise somebody may be in between"
        )


def check_jump(shown: HostKey, known_as: str, files: Sequence[Path], name: str, where: str) -> None:
    """Accept a jump host's key only as the user's known_hosts files have it."""
    known = known_hosts(known_as, files)
    listing = ", ".join(str(path) for path in files[:1]) or "~/.ssh/known_hosts"
    if shown in known:
        return
    if any(key.type == shown.type for key in known):
        expected = ", ".join(str(key) for key in known if key.type == shown.type)
        raise HostKeyChanged(
            f"{name}: jump host {where} shows host key {shown}, but {listing} has {expected}; if "
            f"it was reinstalled, run `ssh-keygen -R '{known_as}'` and connect to it once with ssh"
        )
    raise HostKeyUnknown(
        f"{name}: jump host {where} shows host key {shown}, which {listing} does not have; "
        "connect to it once with ssh and compare the fingerprint"
    )


def known_hosts(known_as: str, files: Sequence[Path]) -> tuple[HostKey, ...]:
    """Return the keys that the known_hosts `files` have for one host, hashed names included."""
    found = []
    for path in files:
        if not path.is_file():
            continue
        entries = paramiko.HostKeys()
        entries.load(str(path))
        found += [of(key) for key in (entries.lookup(known_as) or {}).values()]
    return tuple(found)


def _is_type(word: str) -> bool:
    return word.startswith(("ssh-", "ecdsa-", "sk-"))
