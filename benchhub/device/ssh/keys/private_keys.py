"""Private keys in files, and their signatures (RFC 4253, 5656, 8332, 8709).

Not with paramiko's classes: they take keys of certain lengths for damaged, such as every second
ECDSA key without a comment (paramiko 5.1).
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from benchhub.device.ssh.keys.files import content
from benchhub.device.ssh.keys.wire_format import number, string
from benchhub.outside.foreign.reading import reason

_RSA_HASHES = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}
_EC_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


class Unusable(Exception):
    """A key file that nothing can be signed with; the text says why, and what to do."""


class PrivateKey:
    """A key that was read; `public` is its public half, as SSH sends it."""

    def __init__(
        self, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    ) -> None:
        self._key = key
        line = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        kind, text = line.split()[:2]
        self._kind = kind
        self.public = base64.b64decode(text)

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature over `data`; `algorithm` chooses among those of an RSA key."""
        key = self._key
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return string(self._kind) + string(key.sign(data))
        if isinstance(key, rsa.RSAPrivateKey):
            signature = key.sign(data, padding.PKCS1v15(), _RSA_HASHES[algorithm])
            return string(algorithm.encode()) + string(signature)
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_EC_HASHES[key.key_size])))
        return string(self._kind) + string(number(r) + number(s))


def read(path: Path) -> PrivateKey:
    """Return the key in `path`; Unusable if ssh would not use it either, or nobody can."""
    try:
        found = path.stat()
        read_in = content(path)
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror})") from error
    if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077:
        raise Unusable(f"{path} is open to others, and so not used (run `chmod 600 {path}`)")
    openssh = read_in.lstrip().startswith(b"-----BEGIN OPENSSH")
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        key = load(read_in, password=None)
    except TypeError as error:  # a passphrase is wanted
        raise Unusable(
            f"{path} is encrypted and no agent holds it (run `ssh-add {path}`)"
        ) from error
    except UnsupportedAlgorithm as error:
        raise Unusable(f"{path} is of a type that benchhub has not ({error})") from error
    except ValueError as error:
        if "assword" in str(error):
            raise Unusable(
                f"{path} is encrypted and no agent holds it (run `ssh-add {path}`)"
            ) from error
        raise Unusable(f"{path} cannot be read ({reason(error)})") from error
    except Exception as error:
        raise Unusable(f"{path} cannot be read ({reason(error)})") from error
    usable = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if not isinstance(key, usable):
        raise Unusable(f"{path} is of a type that benchhub has not; use ed25519, ECDSA or RSA")
    try:
        return PrivateKey(key)
    except Exception as error:  # of a curve that SSH has not, for one
        raise Unusable(f"{path} cannot be used by SSH ({reason(error)})") from error
