"""Keys and certificates, held against ssh-keygen, which made them; and what is left of damage."""

from __future__ import annotations

import base64
import contextlib
import random
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loopback_sshd import make_key

from benchhub.device.ssh.keys import certificates, private_keys
from benchhub.device.ssh.keys.certificates import SUFFIX, Certificate
from benchhub.device.ssh.keys.host_keys import HostKey
from benchhub.device.ssh.keys.identities import public_half
from benchhub.device.ssh.keys.private_keys import Unusable
from benchhub.device.ssh.keys.wire_format import Malformed

KINDS = ("ed25519", "ecdsa", "rsa")


def public(path: Path) -> bytes:
    return base64.b64decode(path.with_name(path.name + ".pub").read_text().split()[1])


def signed(folder: Path, kind: str, *options: str) -> bytes:
    """Return the certificate of a new key by a new authority of that kind."""
    make_key(folder / kind, kind=kind)
    make_key(folder / "ca", kind=kind)
    sign = ["ssh-keygen", "-q", "-s", str(folder / "ca"), "-I", "a name", *options]
    subprocess.run([*sign, str(folder / f"{kind}.pub")], check=True)
    return base64.b64decode((folder / f"{kind}-cert.pub").read_text().split()[1])


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_certificate_says_is_what_ssh_keygen_shows(kind: str, tmp_path: Path) -> None:
    blob = signed(tmp_path, kind, "-h", "-n", "b.lab,c.lab", "-V", "20250102030405Z:20260102Z")
    found = certificates.parse(blob)
    assert found.key.blob == public(tmp_path / kind)
    assert found.authority.blob == public(tmp_path / "ca")
    assert found.principals == ("b.lab", "c.lab")
    listing = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(tmp_path / f"{kind}-cert.pub")],
        capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    ).stdout  # fmt: skip
    assert f'Key ID: "{found.name}"' in listing
    valid = re.search(r"Valid: from (\S+) to (\S+)", listing)
    assert valid
    limits = (found.valid_from, found.valid_until)
    assert valid.groups() == tuple(
        datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S") for moment in limits
    )
    assert found.authority.fingerprint in listing


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("kind", KINDS)
def test_whose_certificate_counts_for_a_host(kind: str, tmp_path: Path) -> None:
    blob = signed(tmp_path, kind, "-h", "-n", "b.lab", "-V", "20250102Z:20260102Z")
    found = certificates.parse(blob)
    inside = datetime(2025, 6, 1, tzinfo=UTC).timestamp()
    assert found.why_not_host("b.lab", (), inside) is None
    for host, algorithms, now, said in (
        ("c.lab", (), inside, "not for c.lab"),
        ("b.lab", (), found.valid_until, "expired"),
        ("b.lab", (), found.valid_from - 1, "only from 2025-01-02"),
        ("b.lab", ("none-of-these",), inside, "CASignatureAlgorithms"),
    ):
        assert said in (found.why_not_host(host, algorithms, now) or "")
    for_user = signed_again(tmp_path, kind, "-n", "b.lab")
    assert "users" in (for_user.why_not_host("b.lab", ()) or "")
    conditions = signed_again(tmp_path, kind, "-h", "-O", "critical:odd@lab=1")
    assert "conditions" in (conditions.why_not_host("b.lab", ()) or "")


def signed_again(folder: Path, kind: str, *options: str) -> Certificate:
    sign = ["ssh-keygen", "-q", "-s", str(folder / "ca"), "-I", "a name", *options]
    subprocess.run([*sign, str(folder / f"{kind}.pub")], check=True)
    text = (folder / f"{kind}-cert.pub").read_text()
    return certificates.parse(base64.b64decode(text.split()[1]))


@pytest.mark.usefixtures("processes")
def test_a_changed_certificate_is_malformed_or_not_signed(tmp_path: Path) -> None:
    blob = signed(tmp_path, "ed25519", "-h")
    assert certificates.parse(blob).why_not_host("any", ()) is None
    chance = random.Random(5)
    for _ in range(400):
        changed = bytearray(blob)
        changed[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            del changed[chance.randrange(len(changed)) :]
        try:
            found = certificates.parse(bytes(changed))
        except ValueError:
            continue
        assert found.why_not_host("any", ()) is not None
    for text in (b"", b"\0\0\0\x04abcd", b"\xff" * 40, b"\0\0\0\x10" + SUFFIX.encode()):
        with pytest.raises(Malformed):
            certificates.parse(text)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_every_length_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key(path, kind=kind)
    for comment in ("", *("x" * n for n in range(1, 5)), *("\u00f6" * n for n in range(1, 5))):
        change = ["ssh-keygen", "-q", "-c", "-P", "", "-C", comment, "-f", str(path)]
        subprocess.run(change, check=True, stdout=subprocess.DEVNULL)
        assert private_keys.read(path).public == public(path) == public_half(path)


@pytest.mark.usefixtures("processes")
def test_half_of_all_ecdsa_keys_without_comment_are_not_lost(tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"key{number}"
        make_key(path, kind="ecdsa")
        assert private_keys.read(path).public == public(path)


@pytest.mark.usefixtures("processes")
def test_a_damaged_key_file_is_unusable_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key(path)
    sound = path.read_bytes()
    chance = random.Random(7)
    read = 0
    for _ in range(200):
        changed = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(sound))] = chance.randrange(256)
        path.write_bytes(changed)
        public_half(path)
        with contextlib.suppress(Unusable):
            private_keys.read(path)
            read += 1
    assert read < 100  # most of a key file counts


@pytest.mark.usefixtures("processes")
def test_a_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    for kind in KINDS:
        make_key(tmp_path / kind, kind=kind)
        listed = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(tmp_path / f"{kind}.pub")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert HostKey.of_blob(public(tmp_path / kind)).fingerprint in listed
