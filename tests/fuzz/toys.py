"""Parsers with faults that are known, for the tests of this package: each fault must be found."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from .target import Target

_SEEDS = [b"0123456789"]


class Told(Exception):
    """What a toy tells its user."""


def _sound(path: Path) -> None:
    if b"9" not in path.read_bytes():
        raise Told("there is no nine")


def _untold(path: Path) -> None:
    if b"9" not in path.read_bytes():
        raise KeyError("nine")


def _crashing(path: Path) -> None:
    if b"9" not in path.read_bytes():
        ctypes.string_at(0)


def _hanging(path: Path) -> None:
    while b"9" not in path.read_bytes():
        time.sleep(0.01)  # the subject


def _large(path: Path) -> None:
    if b"9" not in path.read_bytes():
        bytearray(700 << 20)[::4096] = bytes((700 << 20) // 4096)


def _leaving(path: Path) -> None:
    if b"9" not in path.read_bytes():
        raise SystemExit(1)


TOYS = {
    f"toy-{name}": Target(f"toy-{name}", read, lambda: _SEEDS, words=(b"9",), told=(Told,))
    for name, read in {
        "sound": _sound, "untold": _untold, "crashing": _crashing, "hanging": _hanging,
        "large": _large, "leaving": _leaving,
    }.items()
}  # fmt: skip
