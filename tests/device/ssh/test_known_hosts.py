"""known_hosts files, held against `ssh-keygen -F`, which reads them with OpenSSH's own code."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from loopback_sshd import make_key

from benchhub.device.ssh.keys import known_hosts
from benchhub.device.ssh.keys.known_hosts import Mark

HOSTS = [
    "pi.lab", "PI.lab", "bad.lab", "pi.lab.example", "10.0.0.7", "[10.0.0.7]:2222", "[pi.lab]:2222",
    "::1", "[::1]:2222", "pi", "x.y.lab", "|1|x|y", "*.lab", "xpi.lab",
]  # fmt: skip
PATTERNS = [
    "pi.lab", "PI.LAB", "*.lab", "*", "?i.lab", "*.lab,!bad.lab", "!bad.lab,*.lab", "!pi.lab",
    "pi.lab,10.0.0.7", "[10.0.0.7]:2222", "[*]:2222", "10.0.0.?", "::1", "pi*", "*l*a*b*", "!*",
    "[pi.lab]:*", "x,,pi.lab", "pi.lab,", "a" * 1100 + ",pi.lab", "*?*", "**.lab",
]  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, processes: None) -> list[str]:
    """Return public keys of every usual type."""
    folder = tmp_path_factory.mktemp("keys")
    return [make_key(folder / kind, kind=kind) for kind in ("ed25519", "ecdsa", "rsa")]


def asked_of_openssh(file: Path, host: str) -> set[tuple[int, Mark]]:
    """Return the lines of `file` about `host`, by number; `-l` has it read the keys as well.

    In small letters, as ssh itself asks.
    """
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(file), "-F", host.lower()], capture_output=True, check=False
    )
    found = set()
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("# Host "):
            words = line.split()
            number = int(words[words.index("line") + 1])
            mark = {"CA": Mark.AUTHORITY, "REVOKED": Mark.REVOKED}.get(words[-1], Mark.KNOWN)
            found.add((number, mark))
    return found


def read_here(file: Path, host: str) -> set[tuple[int, Mark]]:
    known = known_hosts.read([file])
    return {(entry.line, mark) for mark in Mark for entry in known.about(host, mark)}


def test_patterns_marks_and_hashes(tmp_path: Path, keys: list[str]) -> None:
    file = tmp_path / "known_hosts"
    marks = ["", "@cert-authority ", "@revoked "]
    lines = [f"{marks[i % 3]}{p} {keys[i % len(keys)]}" for i, p in enumerate(PATTERNS)]
    file.write_text("\n".join(lines) + "\n")
    for host in HOSTS:
        assert read_here(file, host) == asked_of_openssh(file, host), host
    plain = "".join(f"{host} {keys[0]}\n" for host in HOSTS if "*" not in host and "|" not in host)
    file.write_text(plain)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert file.read_text().count("|1|") == plain.count("\n")
    for host in HOSTS:
        assert read_here(file, host) == asked_of_openssh(file, host), host
    assert read_here(file, "pi.lab") != set()


def damaged(keys: list[str]) -> list[bytes]:
    ed25519, ecdsa, rsa = (key.encode() for key in keys)
    kind, text = ed25519.split()
    return [
        b"", b"   ", b"# pi.lab " + ed25519, b"pi.lab", b"pi.lab ", b"pi.lab ssh-ed25519",
        b"pi.lab ssh-ed25519 AAAA", b"pi.lab ssh-rsa " + text, b"pi.lab " + text,
        b"@revoked", b"@revoked pi.lab", b"@unknown pi.lab " + ed25519, b"@ pi.lab " + ed25519,
        b"@revoked @cert-authority pi.lab " + ed25519, b"\tpi.lab\t" + ed25519.replace(b" ", b"\t"),
        b"pi.lab " + ed25519 + b" a comment", b"pi.lab " + ed25519 + b"\r",
        b"pi.lab " + ed25519 + b"#x",
        b"gr\xf6\xdfe.lab,pi.lab " + ecdsa, b"\xff\xfe\x00p\x00i", b"pi.lab " + ecdsa[:-3],
        b"pi.lab " + kind + b" " + text[:10] + b"!" + text[10:], b"|1|pi.lab " + rsa,
        b"|1|YQ==|YQ== " + rsa, b"|2|YQ==|YQ==|x " + rsa, b"pi.lab 1024 35 1234567",
        b"@cert-authority *.lab " + rsa, b"@revoked pi.lab " + ecdsa, b"pi.lab " + rsa + b" \xe9",
        b"pi.lab nonsense " + text, b"pi.lab " + kind + b" " + b"A" * 5000,
    ]  # fmt: skip


def test_damaged_lines_say_nothing_and_harm_no_other(tmp_path: Path, keys: list[str]) -> None:
    file = tmp_path / "known_hosts"
    lines = damaged(keys)
    for number, line in enumerate(lines):
        file.write_bytes(line + b"\n" + b"pi.lab " + keys[1].encode() + b"\n")
        assert read_here(file, "pi.lab") == asked_of_openssh(file, "pi.lab"), (number, line)
    file.write_bytes(b"\n".join(lines))
    assert read_here(file, "pi.lab") == asked_of_openssh(file, "pi.lab")
    unread = {line for _, line in known_hosts.read([file]).unread}
    assert unread.isdisjoint({line for line, _ in asked_of_openssh(file, "pi.lab")})


def test_any_bytes_are_read_as_openssh_reads_them(tmp_path: Path, keys: list[str]) -> None:
    file = tmp_path / "known_hosts"
    chance = random.Random(13)
    sound = [b"pi.lab " + keys[0].encode(), b"@revoked *.lab " + keys[1].encode()]
    for _ in range(60):
        line = bytearray(chance.choice(sound))
        for _ in range(chance.randint(1, 3)):
            line[chance.randrange(len(line))] = chance.choice(b" \t#@|,!*?=AZ09+/\xe9\x7f")
        file.write_bytes(bytes(line) + b"\npi.lab " + keys[2].encode() + b"\n")
        assert read_here(file, "pi.lab") == asked_of_openssh(file, "pi.lab"), bytes(line)


def test_a_file_that_is_missing_or_a_folder_says_nothing(tmp_path: Path) -> None:
    known = known_hosts.read([tmp_path, tmp_path / "missing"])
    assert known.entries == ()
    assert known.files == (tmp_path, tmp_path / "missing")


def test_a_pattern_of_stars_ends_soon() -> None:
    assert not known_hosts.list_matches(b"*a" * 400, b"a" * 399 + b"b")
