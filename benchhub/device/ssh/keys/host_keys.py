"""SSH host keys as they are written in profiles, and as OpenSSH prints them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko

from benchhub.device.ssh.keys.wire_format import Reader
from benchhub.errors import ConfigError

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
#: How many fields follow the type of a public key.
FIELDS = {
    "ssh-ed25519": 1,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "ssh-rsa": 2,
    "ssh-dss": 4,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
#: In the order they are preferred at enrolment and where several are known.
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

    @classmethod
    def of_blob(cls, blob: bytes) -> HostKey:
        """Return the key of its wire format, a type's name and what belongs to it."""
        size = int.from_bytes(blob[:4], "big")
        return cls(blob[4 : 4 + size].decode("ascii"), base64.b64encode(blob).decode())

    @property
    def blob(self) -> bytes:
        """The key in its wire format."""
        return base64.b64decode(self.base64)

    @property
    def fingerprint(self) -> str:
        """SHA256:..., as OpenSSH prints it."""
        digest = hashlib.sha256(self.blob).digest()
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
        except (IndexError, ValueError):  # no base64, or no ASCII
            blob = b""
        name = words[0].encode()
        if not name.isascii() or not blob.startswith(len(name).to_bytes(4, "big") + name):
            raise ConfigError(
                f"{owner}: {line.strip()[:40]!r} is not a host key; expected 'ssh-ed25519 AAAA..."
                "', as `benchhub devices enroll HOST` writes it"
            )
        keys.append(HostKey.of_blob(blob))
    return tuple(keys)


def is_key(blob: bytes) -> bool:
    """Tell whether `blob` is a whole public key of a type that OpenSSH has."""
    try:
        kind, *numbers = Reader(blob).strings()
        name = kind.decode("ascii")
        if len(numbers) != FIELDS[name]:
            return False
        if name.startswith("ecdsa-"):  # its point must lie on its curve
            paramiko.ECDSAKey(data=blob)
    except (ValueError, KeyError, paramiko.SSHException):
        return False
    return name not in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com") or len(numbers[0]) == 32


def fingerprint(host_key_line: str) -> str:
    """Return the SHA256 fingerprint of one known_hosts-format key line."""
    return parse(host_key_line)[0].fingerprint


def signatures(keys: Sequence[HostKey]) -> tuple[str, ...]:
    """Return the signature algorithms to negotiate, so that the server shows one of `keys`."""
    names: list[str] = []
    for key in keys:
        names += _RSA if key.type == "ssh-rsa" else (key.type,)
    return tuple(dict.fromkeys(names))


def _is_type(word: str) -> bool:
    return word.startswith(("ssh-", "ecdsa-", "sk-"))
