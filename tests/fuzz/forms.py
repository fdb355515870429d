"""What bytes consist of, so that a mutant of a part still has a sound whole around it."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_PNG = b"\x89PNG\r\n\x1a\n"
_NOT_OF_IT = (
    ValueError, LookupError, OSError, EOFError, TypeError, OverflowError, RuntimeError, zlib.error,
    struct.error, zipfile.BadZipFile, sqlite3.Error,
)  # fmt: skip
#: Changes the bytes of one part.
Change = Callable[[bytes], bytes]
Form = Callable[[bytes, random.Random, Change], bytes]


def in_form(data: bytes, named: str, draw: random.Random, change: Change) -> bytes:
    """Return `data` with one part changed, and what is around it made to fit."""
    form = FORMS.get(named) or _by_content(data)
    if form is None or draw.random() < 0.15:
        return change(data)
    try:
        return form(data, draw, change)
    except _NOT_OF_IT:
        return change(data)  # an earlier mutant, which is of no form any more


def _by_content(data: bytes) -> Form | None:
    for head, form in ((b"\x1f\x8b", _gzip), (b"PK\x03\x04", _zip), (_PNG, _png)):
        if data.startswith(head):
            return form
    return _json if data.lstrip()[:1] in (b"{", b"[") else None


def _gzip(data: bytes, draw: random.Random, change: Change) -> bytes:
    return gzip.compress(change(gzip.decompress(data)), 1, mtime=0)


def _zip(data: bytes, draw: random.Random, change: Change) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        members = [(one, held.read(one)) for one in held.infolist()]
    at = draw.randrange(len(members))
    way = draw.random()
    info, content = members[at]
    if way < 0.75:
        members[at] = info, in_form(content, "", draw, change)
    elif way < 0.85:
        info.filename = change(info.filename.encode()).decode("utf-8", "replace")[:200] or "x"
    elif way < 0.92:
        del members[at]
    else:
        members.append((info, content))
    whole = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(whole, "w") as made:
        warnings.simplefilter("ignore")  # two of one name are meant
        for one, inside in members:
            made.writestr(zipfile.ZipInfo(one.filename), inside, one.compress_type)
    return whole.getvalue()


def _png(data: bytes, draw: random.Random, change: Change) -> bytes:
    chunks = []
    at = len(_PNG)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    place = draw.randrange(len(chunks))
    kind, content = chunks[place]
    if kind == b"IDAT" and draw.random() < 0.5:
        content = zlib.compress(change(zlib.decompress(content)))
    else:
        content = change(content)
    if draw.random() < 0.1:
        kind = draw.choice((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"PLTE", b"tRNS", b"acTL", b"IHDR"))
    chunks[place] = kind, content
    if draw.random() < 0.1:
        chunks.insert(draw.randrange(len(chunks)), draw.choice(chunks))
    parts = [_PNG]
    for kind, content in chunks:
        total = zlib.crc32(kind + content)
        parts.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", total))
    return b"".join(parts)


_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 0.5, 10**400, 2**31, 2**53, 2**63, -(2**63) - 1, float("nan"),
    float("inf"), 1e308, 1e-320, "", "word", "x" * 5000, "a\0b", "\ud800", "\x1b]0;t\x07\u202e", [],
    {}, [1, "two"], {"a": 1}, [[]] * 50, "9" * 5000, "2026-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00", "NaN", "-1",
)  # fmt: skip


def _json(data: bytes, draw: random.Random, change: Change) -> bytes:
    document = json.loads(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        document = _tree(document, draw, change)
    text = json.dumps(document, separators=draw.choice(((",", ":"), None)))
    if draw.random() < 0.05:  # what dumps cannot write
        key = draw.choice((b'"', b"}", b"]"))
        text = text.replace(key.decode(), draw.choice(('":"', ',"a":1,"a":2}', "[" * 900, "")), 1)
    return text.encode("utf-8", "surrogatepass")


def _tree(document: Any, draw: random.Random, change: Change) -> Any:
    places = list(_places(document, []))[:20_000]
    path = draw.choice(places)
    if not path:
        return _drawn(draw) if draw.random() < 0.05 else document
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    key, way = path[-1], draw.random()
    if way < 0.6:
        holder[key] = _drawn(draw)
    elif way < 0.7:
        del holder[key]
    elif way < 0.78 and isinstance(holder[key], str):
        holder[key] = change(holder[key].encode("utf-8", "replace")).decode("utf-8", "replace")
    elif way < 0.84:
        deep: Any = holder[key]
        for _ in range(draw.choice((1, 20, 200, 900))):
            deep = [deep]
        holder[key] = deep
    elif way < 0.92 and isinstance(holder, list):
        holder.extend(holder[key : key + 1] * draw.choice((1, 100)))
    else:
        other: Any = document
        for step in draw.choice(places):
            other = other[step]
        holder[key] = json.loads(json.dumps(other))
    return document


def _drawn(draw: random.Random) -> Any:
    return copy.deepcopy(draw.choice(_VALUES))  # what is changed later is nobody else's


def _places(value: Any, path: list[Any]) -> Iterator[list[Any]]:
    yield path
    inside = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inside = list(enumerate(value))[:40]
    for key, one in inside:
        yield from _places(one, [*path, key])


# --- protobuf ---------------------------------------------------------------------------------


def _protobuf(data: bytes, draw: random.Random, change: Change) -> bytes:
    return _written(_message(_fields(data), draw, change, 0))


_Field = tuple[int, int, Any]
_VARINTS = (0, 1, 2, 3, 7, 8, 16, 127, 2**31, 2**32, 2**40, 2**63, 2**64 - 1)


def _fields(data: bytes) -> list[_Field]:
    """Return number, wire type and value of each field; ValueError where it is no message."""
    found: list[_Field] = []
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value = data[at : at + size]
            at += size
        else:
            size = {1: 8, 5: 4}.get(wire, 0)
            value = data[at : at + size]
            at += size
        if not number or (wire not in (0, 1, 2, 5)) or at > len(data):
            raise ValueError("no message")
        found.append((number, wire, value))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("no number")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _message(fields: list[_Field], draw: random.Random, change: Change, depth: int) -> list[_Field]:
    if not fields:
        return fields
    at = draw.randrange(len(fields))
    number, wire, value = fields[at]
    way = draw.random()
    if way < 0.08:
        return [*fields[:at], *fields[at + 1 :]]
    if way < 0.16:
        return [*fields[:at], *[fields[at]] * draw.choice((2, 2, 50)), *fields[at + 1 :]]
    if way < 0.2:
        return [*fields[:at], draw.choice(fields), *fields[at + 1 :]]
    if way < 0.24:
        number = draw.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 25, number + 1))
    elif wire == 0:
        value = draw.choice((*_VARINTS, value + 1))
    elif wire == 2:
        value = _inside(value, draw, change, depth)
    else:
        value = change(value)[: len(value)].ljust(len(value), b"\0")
    return [*fields[:at], (number, wire, value), *fields[at + 1 :]]


def _inside(value: bytes, draw: random.Random, change: Change, depth: int) -> bytes:
    if value and depth < 12:
        try:
            inner = _fields(value)
        except ValueError:
            inner = []
        if inner and draw.random() < 0.85:
            return _written(_message(inner, draw, change, depth + 1))
    return change(value)


def _written(fields: Sequence[_Field]) -> bytes:
    parts = []
    for number, wire, value in fields:
        parts.append(_as_varint(number << 3 | wire))
        if wire == 0:
            parts.append(_as_varint(value))
        else:
            parts.append((_as_varint(len(value)) if wire == 2 else b"") + value)
    return b"".join(parts)


def _as_varint(value: int) -> bytes:
    value %= 1 << 64
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


# --- databases --------------------------------------------------------------------------------


def _sqlite(data: bytes, draw: random.Random, change: Change) -> bytes:
    """Put another value into a column of a database, past what it asks of itself."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "a.db"
        path.write_bytes(data)
        connection = sqlite3.connect(path)
        connection.text_factory = bytes
        try:
            with connection:
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("PRAGMA foreign_keys=OFF")
                connection.execute("PRAGMA ignore_check_constraints=ON")
                for _ in range(draw.choice((1, 1, 2, 4))):
                    _column(connection, draw, change)
        finally:
            connection.close()
        return path.read_bytes()


def _column(connection: sqlite3.Connection, draw: random.Random, change: Change) -> None:
    master = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    tables = [name.decode() for (name,) in connection.execute(master)]
    table = draw.choice(tables)
    rows = connection.execute(f'SELECT rowid, * FROM "{table}"').fetchall()
    names = [one[1].decode() for one in connection.execute(f'PRAGMA table_info("{table}")')]
    if not rows:
        return
    row = draw.choice(rows)
    at = draw.randrange(len(names))
    others = (None, -1, 0, 1.5, 2**62, b"", b"\0", "", "word", "x" * 5000, float("inf"))
    new: Any = draw.choice(others)
    old = row[at + 1]
    if isinstance(old, bytes) and draw.random() < 0.7:
        new = in_form(old, "", draw, change)
        if draw.random() < 0.7:  # a text stays one
            new = new.decode("utf-8", "replace")
    if draw.random() < 0.05:
        connection.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row[0],))
    else:
        connection.execute(f'UPDATE "{table}" SET "{names[at]}" = ? WHERE rowid = ?', (new, row[0]))


FORMS: dict[str, Form] = {"protobuf": _protobuf, "sqlite": _sqlite}
