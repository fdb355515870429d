"""What a user can show of themselves, in the order in which OpenSSH shows it.

That order counts: servers hang up after a few keys (MaxAuthTries). First the key that the device's
profile names; then certificates; keys of the agent that the configuration names, as the agent
lists them; its other keys; and last the named files that no agent holds.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paramiko.pkey import PublicBlob

from benchhub.device.ssh.endpoint import Login
from benchhub.device.ssh.keys import certificates, private_keys
from benchhub.device.ssh.keys.files import content
from benchhub.device.ssh.keys.host_keys import HostKey, is_key
from benchhub.device.ssh.keys.key_agent import KeyAgent
from benchhub.device.ssh.keys.private_keys import PrivateKey
from benchhub.device.ssh.keys.wire_format import Malformed, Reader, type_of

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


class Signer(Protocol):
    """What can sign with a private key."""

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature over `data`."""


class Credential:
    """A public key or certificate to show, and what signs for it; paramiko takes it for a key."""

    def __init__(self, label: str, shown: bytes, signer: Signer) -> None:
        self.label = label
        self.shown = shown
        self.public_blob = PublicBlob(type_of(shown), shown)
        self._signer = signer

    def sign_ssh_data(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature over `data`, as paramiko asks for it."""
        return self._signer.sign(data, algorithm.removesuffix(certificates.SUFFIX))


@dataclass(frozen=True, slots=True)
class _OfAgent:
    agent: KeyAgent
    blob: bytes

    def sign(self, data: bytes, algorithm: str) -> bytes:
        return self.agent.sign(self.blob, data, algorithm)


@dataclass(frozen=True, slots=True)
class _KeyFile:
    """A key file and its public half, where that can be told without a passphrase."""

    path: Path
    public: bytes | None


class Identities:
    """All that can be shown at one server; `unusable` grows by what cannot, and why."""

    def __init__(self, login: Login, agent: KeyAgent | None) -> None:
        self.unusable: list[str] = []
        self._login = login
        self._agent = agent
        paths = dict.fromkeys(login.identity_files)
        self._files = [_KeyFile(path, public_half(path)) for path in paths if _is_there(path)]
        self._loaded: dict[Path, PrivateKey | None] = {}
        for path in dict.fromkeys((login.named, *login.certificate_files, *paths)):
            if path is not None and not _is_there(path):
                if os.path.exists(path):
                    self.unusable.append(f"{path} is no file")
                elif path not in paths or path == login.named:  # those by default need not be there
                    self.unusable.append(f"{path} does not exist")

    def in_order(self) -> Iterator[Credential]:
        """Yield each identity once, best first; files are read when their turn comes."""
        seen: set[bytes] = set()
        for identity in self._all():
            if identity.shown not in seen:
                seen.add(identity.shown)
                yield identity

    def _all(self) -> Iterator[Credential]:
        named = [file for file in self._files if file.path == self._login.named]
        for file in named:
            yield from self._of_file(file)
        for path in self._login.certificate_files:
            yield from self._certified(path)
        wanted = {file.public for file in self._files if file.public}
        held = [key for key in (self._agent.keys if self._agent else ()) if _is_sound(key.blob)]
        certified = {blob for file in self._files if (blob := _beside(file.path)) is not None}
        for key in held:
            if key.blob in wanted | certified:
                yield self._of_agent(key.blob)
        if not self._login.identities_only:
            for key in held:
                yield self._of_agent(key.blob)
        for file in self._files:
            yield from self._of_file(file)

    def _of_agent(self, blob: bytes) -> Credential:
        assert self._agent is not None
        return Credential(f"agent key {_fingerprint(blob)}", blob, _OfAgent(self._agent, blob))

    def _of_file(self, file: _KeyFile) -> Iterator[Credential]:
        """Yield the key of a file, and its certificate where one lies beside it."""
        signer: Signer | None = None
        if self._agent and file.public and self._agent.holds(file.public):
            signer = _OfAgent(self._agent, file.public)
            yield Credential(str(file.path), file.public, signer)
        elif (loaded := self._load(file.path)) is not None:
            signer = loaded
            yield Credential(str(file.path), loaded.public, loaded)
        if signer is not None and not self._login.certificate_files:
            blob = _beside(file.path)
            if blob is not None:
                if why := certificates.parse(blob).why_not_now():
                    self.unusable.append(f"{file.path}-cert.pub {why}")
                yield Credential(f"{file.path}-cert.pub", blob, signer)

    def _certified(self, path: Path) -> Iterator[Credential]:
        blob = _public_line(path)
        try:
            certificate = certificates.parse(blob or b"")
        except ValueError as error:
            if _is_there(path):
                self.unusable.append(f"{path} is no certificate ({error})")
            return
        key = certificate.key.blob
        if why := certificate.why_not_now():
            self.unusable.append(f"{path} {why}")
        if self._agent and self._agent.holds(key) and self._may_use(key):
            yield Credential(str(path), blob or b"", _OfAgent(self._agent, key))
            return
        for file in self._files:
            loaded = self._load(file.path) if file.public in (None, key) else None
            if loaded is not None and loaded.public == key:
                yield Credential(str(path), blob or b"", loaded)
                return
        self.unusable.append(f"{path} certifies a key that is in no identity file and no agent")

    def _may_use(self, key: bytes) -> bool:
        """Tell whether the agent may sign with `key`: with IdentitiesOnly, if a file names it."""
        return not self._login.identities_only or any(f.public == key for f in self._files)

    def _load(self, path: Path) -> PrivateKey | None:
        if path not in self._loaded:
            self._loaded[path] = None
            try:
                self._loaded[path] = _read(path)
            except private_keys.Unusable as error:
                self.unusable.append(str(error))
        return self._loaded[path]


def _read(path: Path) -> PrivateKey:
    if _public_line(path) is not None:
        raise private_keys.Unusable(f"{path} is a public key, and no agent holds its private half")
    kind = type_of(public) if (public := public_half(path)) else ""
    if kind.startswith("sk-"):
        raise private_keys.Unusable(
            f"{path} is on a security key (run `ssh-add {path}`: the agent can use it)"
        )
    return private_keys.read(path)


def public_half(path: Path) -> bytes | None:
    """Return the public key of a key file, without its passphrase; None where that hides it."""
    beside = path.with_name(path.name + ".pub")
    return _of_openssh(path) or _public_line(path) or _public_line(beside)


def _of_openssh(path: Path) -> bytes | None:
    try:
        lines = content(path).strip().splitlines()
        if not lines or lines[0].strip() != _OPENSSH:
            return None
        data = base64.b64decode(b"".join(lines[1:-1]))
        if not data.startswith(_MAGIC):
            return None
        fields = Reader(data[len(_MAGIC) :])
        for _ in ("cipher", "how the passphrase becomes its key", "parameters of that"):
            fields.string()
        return fields.string() if fields.number() == 1 else None
    except (OSError, ValueError):
        return None


def _public_line(path: Path) -> bytes | None:
    """Return the key or certificate of a file in the format of `.pub` files."""
    try:
        words = content(path).split(maxsplit=2)
        blob = base64.b64decode(words[1], validate=True)
        return blob if type_of(blob).encode() == words[0] else None
    except (OSError, IndexError, ValueError, Malformed):
        return None


def _beside(path: Path) -> bytes | None:
    """Return the certificate beside a key file, if there is one that can be read."""
    blob = _public_line(path.with_name(path.name + "-cert.pub"))
    return blob if blob is not None and _is_sound(blob) else None


def _is_sound(blob: bytes) -> bool:
    """Tell whether this is a whole key or certificate, whoever holds it."""
    try:
        return is_key(blob) or bool(certificates.parse(blob))
    except ValueError:
        return False


def _is_there(path: Path) -> bool:
    return os.path.isfile(path)  # which a name that is too long does not stop


def _fingerprint(blob: bytes) -> str:
    try:
        return HostKey.of_blob(certificates.parse(blob).key.blob).fingerprint + " (certificate)"
    except ValueError:
        return HostKey.of_blob(blob).fingerprint


def forbidden(identity: Credential, algorithms: Sequence[str], least_rsa_bits: int) -> str | None:
    """Return which setting forbids this identity, None if none does.

    `algorithms` (empty: all) are PubkeyAcceptedAlgorithms, `least_rsa_bits` is RequiredRSASize.
    """
    kind = identity.public_blob.key_type
    ending = certificates.SUFFIX if kind.endswith(certificates.SUFFIX) else ""
    if kind.removesuffix(ending) != "ssh-rsa":
        return "PubkeyAcceptedAlgorithms" if algorithms and kind not in algorithms else None
    if algorithms and not {f"rsa-sha2-{n}{ending}" for n in (256, 512)} & set(algorithms):
        return "PubkeyAcceptedAlgorithms"
    key = certificates.parse(identity.shown).key.blob if ending else identity.shown
    modulus = int.from_bytes(Reader(key).strings()[-1], "big")
    return "RequiredRSASize" if modulus.bit_length() < least_rsa_bits else None
