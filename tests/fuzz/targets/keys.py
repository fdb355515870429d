"""What SSH's files say: known_hosts, settings, keys, certificates, and what an agent answers."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from benchhub.device.ssh.config import resolve
from benchhub.device.ssh.keys import certificates, host_keys, known_hosts, private_keys
from benchhub.device.ssh.keys.identities import public_half
from benchhub.device.ssh.keys.key_agent import AgentError, KeyAgent
from benchhub.device.ssh.keys.known_hosts import Mark
from benchhub.device.ssh.keys.wire_format import string
from benchhub.model.device import DeviceProfile

from ..target import Target, lasting

_HOSTS = ("pi.lab", "[10.0.0.7]:2222", "::1", "|1|x|y", "x.y.lab")


def _rsa(p: int, q: int) -> Any:
    """Return the key of two primes, the same every time."""
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    parts = d % (p - 1), d % (q - 1), pow(q, -1, p)
    return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


@lasting
def _private() -> list[Any]:
    return [
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
        ec.derive_private_key(12345, ec.SECP256R1()),
        _rsa(2**521 - 1, 2**607 - 1),
    ]


def _public() -> list[bytes]:
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return [key.public_key().public_bytes(*form) for key in _private()]


def _known(path: Path) -> None:
    known = known_hosts.read([path])
    for mark in Mark:
        for host in _HOSTS:
            for entry in known.about(host, mark):
                assert entry.key.fingerprint.startswith("SHA256:")
                assert entry.where
    known_hosts.public_lines(path.read_bytes())


def _known_files() -> Iterator[bytes]:
    first, second, third = _public()
    yield b"\n".join([
        b"# a comment", b"pi.lab,10.0.0.7 " + first, b"[10.0.0.7]:2222 " + second + b" me@here",
        b"@cert-authority *.lab,!bad.lab " + first, b"@revoked * " + third,
        b"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + second, b"", b"broken",
    ])  # fmt: skip


def _lines(path: Path) -> None:
    for key in host_keys.parse(path.read_text("utf-8", "replace")):
        assert key.fingerprint
        assert str(key)


def _configured(path: Path) -> None:
    if re.search(rb"exec", path.read_bytes(), re.IGNORECASE):
        return  # it names a command, and who writes it may
    profile = DeviceProfile("board", "ssh", host="pi", ssh_config=path)
    resolve(profile, ssh=None)


_CONFIG = b"""Host pi
  HostName pi.lab
  Port 2222
  User bench
  IdentityFile ~/.ssh/%h-key
  CertificateFile ~/.ssh/c.pub
  UserKnownHostsFile ~/.ssh/known_hosts /etc/%k
  ProxyCommand nc %h %p
  ConnectTimeout 5
  HostKeyAlgorithms ssh-ed25519,rsa-sha2-256
  PreferredAuthentications publickey
  IdentitiesOnly yes
  RequiredRSASize 2048

Host *.lab !bad.lab
  Compression yes
Match host x
  User y
"""


def _private_key(path: Path) -> None:
    path.chmod(0o600)
    public_half(path)
    private_keys.read(path)


def _private_files() -> Iterator[bytes]:
    none = serialization.NoEncryption()
    for key in _private():
        yield key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, none
        )
        yield key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)


def _certificate() -> bytes:
    """A host certificate of ed25519, signed by nobody in particular."""
    kind = b"ssh-ed25519-cert-v01@openssh.com"
    number = bytes(range(32))
    own = string(b"ssh-ed25519") + string(number)
    fields = [
        string(kind), string(b"n" * 32), string(number), bytes(8), (2).to_bytes(4, "big"),
        string(b"pi"), string(string(b"pi.lab")), bytes(8), b"\xff" * 8, string(b""), string(b""),
        string(b""), string(own), string(string(b"ssh-ed25519") + string(b"s" * 64)),
    ]  # fmt: skip
    return b"".join(fields)


def _certified(path: Path) -> None:
    certificate = certificates.parse(path.read_bytes())
    certificate.why_not_host("pi.lab", ("ssh-ed25519",))
    certificate.why_not_host("pi.lab", ())
    assert certificate.key.line


def _answers(path: Path) -> None:
    """What an agent answers when it is asked for its keys."""
    here, there = socket.socketpair()
    with here, there:
        content = path.read_bytes()[:100_000]
        there.setblocking(False)
        here.settimeout(2.0)
        sent = there.send(content)
        assert sent == len(content)
        there.shutdown(socket.SHUT_WR)
        agent = object.__new__(KeyAgent)
        agent._socket = here
        agent._list()


def _listing(*blobs: bytes) -> bytes:
    held = b"".join(string(blob) + string(b"me") for blob in blobs)
    return string(b"\x0c" + len(blobs).to_bytes(4, "big") + held)


def _agents() -> Iterator[bytes]:
    yield _listing()
    yield _listing(*(base64.b64decode(line.split()[1]) for line in _public()))


def _with_key(kind: bytes, blob: bytes) -> bytes:
    return b"pi.lab " + kind + b" " + base64.b64encode(blob)


def _curve() -> bytes:
    """A sound key of a curve that SSH has not."""
    key = ec.derive_private_key(12345, ec.SECP256K1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_EC = b"ecdsa-sha2-nistp256"

TARGETS = (
    Target(
        "known_hosts", _known, _known_files, "",
        (b"@revoked ", b"@cert-authority ", b"|1|", b"*", b"!", b"ssh-ed25519", _EC, b"pi.lab"),
        told=(),
        hard={
            "not UTF-8": (lambda: b"pi.lab\xff\xfe " + _public()[0], None),
            "NULs": (lambda: b"pi.lab \0 " + _public()[0] + b"\0\0", None),
            "a mark alone": (lambda: b"@\n@ \n@x\n@revoked\n@cert-authority ", None),
            "hashes that are none": (
                lambda: b"|1|=|= " + _public()[0] + b"\n|1||| x\n|9|a|b c", None
            ),
            "no base64": (lambda: b"pi.lab ssh-ed25519 AAAA====", None),
            "a key cut short": (lambda: _with_key(b"ssh-ed25519", string(b"ssh-ed25519")), None),
            "a length of 4 GB": (
                lambda: _with_key(b"ssh-rsa", string(b"ssh-rsa") + b"\xff\xff\xff\xffx"), None
            ),
            "a point off its curve": (
                lambda: _with_key(
                    _EC, string(_EC) + string(b"nistp256") + string(b"\4" + b"1" * 64)
                ), None,
            ),
            "no curve": (lambda: _with_key(_EC, string(_EC) + string(b"\xff") + string(b"")), None),
            "a line of a megabyte": (lambda: b"*" * 200_000 + b" " + _public()[0], None),
            "patterns of stars": (lambda: b"*a" * 500 + b" " + _public()[0], None),
        },
    ),
    Target(
        "host-keys", _lines, lambda: [b"\n".join(_public()), b"pi.lab " + _public()[0]], "",
        (b"ssh-ed25519", b"ssh-rsa", b"\\n", b"#", b"sk-"),
        hard={
            "not ASCII": (lambda: "ssh-\u00e9d25519 AAAA".encode(), "is not a host key"),
            "a key that is not ASCII": (
                lambda: "ssh-ed25519 AAAA\u00e9".encode(), "is not a host key"
            ),
            "half a line": (lambda: b"ssh-ed25519", "is not a host key"),
            "a type that is no text": (
                lambda: b"\xff\xff " + base64.b64encode(string(b"\xff\xff")), "is not a host key"
            ),
        },
    ),
    Target(
        "ssh-config", _configured, lambda: [_CONFIG], "",
        (b"Host ", b"Match ", b"all", b"%h", b"%%", b"%z", b"${HOME}", b"${NONE}", b"=", b'"',
         b"Port ", b"ProxyJump ", b"Include ", b"none", b"!", b"*", b"IdentityAgent "),
        hard={
            "a port that is none": (lambda: b"Host pi\nPort many\n", "is no number"),
            "a port of 5000 digits": (lambda: b"Host pi\nPort " + b"9" * 5000, "is no number"),
            "a size that is none": (lambda: b"Host pi\nRequiredRSASize -1\n", "is no number"),
            "an unknown token": (lambda: b"Host pi\nIdentityFile %Z\n", "unknown token"),
            "a variable that is not set": (
                lambda: b"Host pi\nIdentityFile ${NO_SUCH}\n", "is not set"
            ),
            "a quote without end": (lambda: b'Host "pi\nUser "x\n', None),
            "a match of nothing": (lambda: b"Match\nUser x\n", None),
            "no words": (lambda: b"Host\nPort\n=\n", None),
            "NULs": (lambda: b"Host pi\nUser a\0b\nIdentityFile \0\n", None),
            "files of no file system": (
                lambda: b"Host pi\n" + b"".join(
                    one + b" " + b"a" * 5000 + b"\n"
                    for one in (b"IdentityFile", b"CertificateFile", b"UserKnownHostsFile")
                ), None,
            ),
            "a user that is none": (lambda: b"Host pi\nUserKnownHostsFile ~\0a/b\n", None),
            "a line of very many words": (
                lambda: b"Host pi\nUserKnownHostsFile" + b" a" * 9000 + b"\n", None
            ),
            "a jump to itself": (lambda: b"Host pi\nProxyJump pi\n", "more than 8 jump hosts"),
            "larger than settings": (lambda: b"#" * (1 << 17), "BENCHHUB_UNPACK"),
        },
    ),
    Target(
        "private-key", _private_key, _private_files, "",
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n",),
        told=(private_keys.Unusable,), native=True,
        hard={
            "a curve that SSH has not": (_curve, "cannot be used by SSH"),
            "cut short": (lambda: next(iter(_private_files()))[:90], "cannot be read"),
            "nothing": (lambda: b"", "cannot be read"),
        },
    ),
    Target(
        "certificate", _certified, lambda: [_certificate()], ".pub", (b"ssh-ed25519",),
        told=(ValueError,),
        hard={
            "cut short": (lambda: _certificate()[:50], "ends too early"),
            "of a type that is none": (lambda: string(b"\xff-cert"), "is unknown"),
            "nothing": (lambda: b"", "ends too early"),
        },
    ),
    Target(
        "ssh-agent", _answers, _agents, "", told=(AgentError, ValueError),
        hard={
            "very many keys": (lambda: string(b"\x0c" + b"\xff" * 4), "ends too early"),
            "an answer of 4 GB": (lambda: b"\xff" * 8, "bytes"),
            "a refusal": (lambda: string(b"\x05"), "lists no keys"),
            "nothing": (lambda: b"", "hung up"),
        },
    ),
)  # fmt: skip
