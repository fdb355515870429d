"""The user's known_hosts files, read as OpenSSH reads them: what they say of one host name.

A line that cannot be read says nothing and harms no other. Names are compared as bytes: a file
may be in any encoding. `tests/device/ssh/test_known_hosts.py` holds this against `ssh-keygen -F`.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.device.ssh.keys.files import content
from benchhub.device.ssh.keys.host_keys import HostKey, is_key

_MARKED = re.compile(rb"@([^ \t]+)[ \t]+")
_FIELDS = re.compile(rb"(?P<hosts>[^ \t]+)[ \t]+(?P<type>[^ \t]+)[ \t]+(?P<key>[^ \t]+)")
#: What one pattern between commas may take; in OpenSSH a line with a longer one is about nobody.
_MAX_PATTERN = 1023


class Mark(enum.Enum):
    """What a line says about its key."""

    KNOWN = b""
    AUTHORITY = b"cert-authority"
    REVOKED = b"revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that was understood: which hosts it is about, and what it says of the key."""

    mark: Mark
    hosts: bytes
    key: HostKey
    file: Path
    line: int

    @property
    def where(self) -> str:
        """The line as messages name it."""
        return f"{self.file} line {self.line}"

    def matches(self, name: str) -> bool:
        """Tell whether this is about `name`: a host, or `[host]:port` for a port other than 22."""
        wanted = name.lower().encode()
        if self.hosts.startswith(b"|"):
            return _hashed_matches(self.hosts, wanted)
        return list_matches(self.hosts, wanted)


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """What was read: entries in the order of files and lines, and the lines that say nothing.

    `closed` are files that are there and cannot be read, each with why.
    """

    files: tuple[Path, ...]
    entries: tuple[Entry, ...]
    unread: tuple[tuple[Path, int], ...]
    closed: tuple[str, ...] = ()

    def about(self, name: str, mark: Mark = Mark.KNOWN) -> tuple[Entry, ...]:
        """Return the entries of one mark about `name`."""
        return tuple(e for e in self.entries if e.mark is mark and e.matches(name))


def read(files: Sequence[Path]) -> KnownHosts:
    """Return what `files` say; those that are not there, or not readable, say nothing."""
    entries: list[Entry] = []
    unread: list[tuple[Path, int]] = []
    closed: list[str] = []
    for path in files:
        try:
            lines = content(path).split(b"\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            closed.append(f"{path} cannot be read ({error.strerror})")
            continue
        for number, line in enumerate(lines, 1):
            text = line.partition(b"\0")[0].strip(b" \t\r")
            if not text or text.startswith(b"#"):
                continue
            entry = _entry(text, path, number)
            if entry is None:
                unread.append((path, number))
            else:
                entries.append(entry)
    return KnownHosts(tuple(files), tuple(entries), tuple(unread), tuple(closed))


def list_matches(patterns: bytes, name: bytes) -> bool:
    """Tell whether `name` is in a list such as `*.lab,!bad.lab`; a negated match overrides."""
    matched = False
    for pattern in patterns.lower().split(b","):
        if len(pattern) > _MAX_PATTERN:
            return False
        negated = pattern.startswith(b"!")
        if _pattern_matches(pattern.removeprefix(b"!"), name):
            if negated:
                return False
            matched = True
    return matched


def _pattern_matches(pattern: bytes, name: bytes) -> bool:
    """Match `*` and `?`, in time that grows with the product of the lengths and no faster."""
    at, seen, star, resume = 0, 0, -1, 0
    while seen < len(name):
        if at < len(pattern) and pattern[at : at + 1] == b"*":
            star, resume = at, seen
            at += 1
        elif at < len(pattern) and pattern[at : at + 1] in (b"?", name[seen : seen + 1]):
            at, seen = at + 1, seen + 1
        elif star >= 0:
            resume += 1
            at, seen = star + 1, resume
        else:
            return False
    return not pattern[at:].strip(b"*")


def _hashed_matches(hosts: bytes, name: bytes) -> bool:
    # |1|base64 of the salt|base64 of HMAC-SHA1(salt, name)
    parts = hosts.split(b"|")
    if len(parts) != 4 or parts[1] != b"1":
        return False
    try:
        salt = base64.b64decode(parts[2], validate=True)
    except binascii.Error:
        return False
    digest = base64.b64encode(hmac.digest(salt, name, "sha1"))
    return hmac.compare_digest(digest, parts[3])


def _entry(text: bytes, path: Path, number: int) -> Entry | None:
    mark = Mark.KNOWN
    if text.startswith(b"@"):
        marked = _MARKED.match(text)
        try:
            mark = Mark(marked[1] if marked else b"@")
        except ValueError:
            return None
        assert marked
        text = text[marked.end() :]
    fields = _FIELDS.match(text)
    if not fields or fields["hosts"].startswith(b"@"):
        return None
    key = _key(fields["type"], fields["key"])
    return None if key is None else Entry(mark, fields["hosts"], key, path, number)


def public_lines(text: bytes) -> tuple[HostKey, ...]:
    """Return the public keys of a file that has one a line, without host names."""
    words = [line.split(maxsplit=2) for line in text.split(b"\n")]
    keys = [_key(*pair[:2]) for pair in words if len(pair) >= 2]
    return tuple(key for key in keys if key is not None)


def _key(kind: bytes, text: bytes) -> HostKey | None:
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind) or not is_key(blob):
        return None
    return HostKey.of_blob(blob)
