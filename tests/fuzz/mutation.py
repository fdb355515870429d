"""Mutants of bytes: drawn by a seed and a number, so that each can be made again."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

#: Mutants are no longer: what takes long to read is in the corpus, once.
MOST_BYTES = 1 << 18
_BYTES = (0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x0A, 0x2F)
_NUMBERS = (
    0, 1, -1, 2, 7, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
    2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**31), -(2**63), 1000, 10**6, 10**9,
)  # fmt: skip
_TEXTS = (
    b"", b"\0", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", "\u202e".encode(), b"\x1b[2J", b"%s%n",
    b"../" * 8, b"nan", b"inf", b"-inf", b"1e999", b"-0", b"0x10", b"1_000", b"9" * 400,
    b"9" * 5000, b"null", b"true", b"[" * 400, b"{" * 400, b"(" * 400, b"\n" * 400, b" " * 400,
    b"\r", b"\t", b",", b"'",
)  # fmt: skip


def mutated(
    data: bytes, draw: random.Random, words: Sequence[bytes], others: Sequence[bytes]
) -> bytes:
    """Return bytes changed in one place or a few."""
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        data = draw.choice(_WAYS)(data, draw, words, others)[:MOST_BYTES]
    return data


def _at(data: bytes, draw: random.Random) -> int:
    return draw.randrange(len(data) + 1)


def _part(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = _at(data, draw)
    most = len(data) - start
    return start, start + min(most, draw.choice((1, 2, 4, 8, 16, 64, 512, max(1, most // 2))))


def _bit(data: bytes, draw: random.Random, *_: object) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def _byte(data: bytes, draw: random.Random, *_: object) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    new = draw.choice(_BYTES) if draw.random() < 0.5 else draw.randrange(256)
    return data[:at] + bytes([new]) + data[at + 1 :]


def _number(data: bytes, draw: random.Random, *_: object) -> bytes:
    """Overwrite a binary number."""
    size = draw.choice((1, 2, 4, 4, 8, 8))
    if len(data) < size:
        return data
    at = draw.randrange(len(data) - size + 1)
    if draw.random() < 0.6:
        at -= at % size
    value = draw.choice(_NUMBERS) % (1 << 8 * size)
    if draw.random() < 0.2:
        value = (value + draw.randrange(-4, 5)) % (1 << 8 * size)
    if draw.random() < 0.1 and size == 8:
        new = struct.pack("<d", draw.choice((float("nan"), float("inf"), -1.0, 1e300, 5e-324)))
    else:
        new = value.to_bytes(size, draw.choice(("little", "big")))
    return data[:at] + new + data[at + size :]


def _digits(data: bytes, draw: random.Random, *_: object) -> bytes:
    """Put another number in the place of one in text."""
    places = [at for at in range(len(data)) if data[at : at + 1].isdigit()][:5000]
    if not places:
        return data
    start = end = draw.choice(places)
    while end < len(data) and data[end : end + 1] in b"0123456789.eE+-":
        end += 1
    new = draw.choice((str(draw.choice(_NUMBERS)).encode(), draw.choice(_TEXTS)))
    return data[:start] + new + data[end:]


def _inserted(
    data: bytes, draw: random.Random, words: Sequence[bytes], _others: Sequence[bytes]
) -> bytes:
    new = draw.choice((*_TEXTS, *words))
    if draw.random() < 0.2:
        new = draw.randbytes(draw.choice((1, 4, 32)))
    at = _at(data, draw)
    return data[:at] + new + data[at:]


def _replaced(
    data: bytes, draw: random.Random, words: Sequence[bytes], _others: Sequence[bytes]
) -> bytes:
    start, end = _part(data, draw)
    return data[:start] + draw.choice((*_TEXTS, *words)) + data[end:]


def _word(
    data: bytes, draw: random.Random, words: Sequence[bytes], _others: Sequence[bytes]
) -> bytes:
    """Put another word in the place of one."""
    there = [word for word in words if word and word in data]
    if not there:
        return _inserted(data, draw, words, _others)
    old = draw.choice(there)
    at = data.find(old, draw.randrange(len(data)))
    at = data.find(old) if at < 0 else at
    return data[:at] + draw.choice((*words, *_TEXTS)) + data[at + len(old) :]


def _deleted(data: bytes, draw: random.Random, *_: object) -> bytes:
    start, end = _part(data, draw)
    return data[:start] + data[end:]


def _doubled(data: bytes, draw: random.Random, *_: object) -> bytes:
    start, end = _part(data, draw)
    times = min(draw.choice((1, 1, 1, 2, 10, 300)), MOST_BYTES // max(1, end - start))
    return data[:start] + data[start:end] * (times + 1) + data[end:]


def _cut(data: bytes, draw: random.Random, *_: object) -> bytes:
    return data[: _at(data, draw)]


def _swapped(data: bytes, draw: random.Random, *_: object) -> bytes:
    (a, b), (c, d) = sorted((_part(data, draw), _part(data, draw)))
    if b > c:
        return data
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _spliced(
    data: bytes, draw: random.Random, _words: Sequence[bytes], others: Sequence[bytes]
) -> bytes:
    other = draw.choice(others) if others else data
    return data[: _at(data, draw)] + other[_at(other, draw) :]


_Way = Callable[[bytes, random.Random, Sequence[bytes], Sequence[bytes]], bytes]
_WAYS: tuple[_Way, ...] = (
    _bit, _byte, _byte, _number, _number, _number, _digits, _digits, _inserted, _replaced, _word,
    _word, _deleted, _doubled, _cut, _swapped, _spliced,
)  # fmt: skip
