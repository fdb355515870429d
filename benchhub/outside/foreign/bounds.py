"""What a file of somebody else's may take, and how it is allowed more."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from benchhub.errors import ConfigError
from benchhub.outside.variables import Variable

_MB = 10**6
#: What one file may take unpacked where nobody says otherwise, and what part of the memory at most.
USUAL_MB, _OF_MEMORY = 4096, 2
#: Texts become many small objects, and settings are written by hand: of those a file may have so
#: many times less.
TEXT, SETTINGS = 8, 1024
_PIECE_BYTES = 1 << 20
_SPECIAL = {
    stat.S_ISFIFO: "a named pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}  # fmt: skip
#: Where a process finds what it was given open.
_GIVEN = "/proc/"
#: Larger sizes are told as this one.
_UNTOLD = 10**24
_GZIPPED = b"\x1f\x8b"
#: What programs write is nested five deep.
_DEEPEST = 64
#: As many as a number of 64 bits has at most.
_MANY_DIGITS = re.compile(r"\d{20}")


def most_bytes() -> int:
    """Return how many bytes one file may take unpacked: $BENCHHUB_UNPACK, else what is usual.

    ConfigError where the variable holds no whole number above 0.
    """
    told = os.environ.get(Variable.UNPACK, "")
    if not told:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min(USUAL_MB * _MB, memory // _OF_MEMORY)
    if not (told.isascii() and told.isdecimal() and len(told) <= 12 and int(told)):
        raise ConfigError(f"{Variable.UNPACK}={told[:40]!r}: write a whole number of MB, as 8192")
    return int(told) * _MB


def check_size(where: object, size: int, what: str = "it") -> None:
    """Raise ConfigError where `what` of the file `where` takes more bytes than one file may."""
    most = most_bytes()
    if size > most:
        raise ConfigError(
            f"{where}: {what} takes {_mb(size)} MB unpacked, and one file may take {_mb(most)} MB;"
            f" if it is meant to, set {Variable.UNPACK}={-(-min(size, _UNTOLD) // _MB)}"
        )


def check_kind(path: Path, piped: bool = False) -> None:
    """Raise ConfigError for a pipe, socket or device, which may wait or go on for ever.

    `piped`: one that this process was given open, as /dev/stdin and `<(...)` of shells are, may be
    read. OSError as it comes; a folder is left to whoever opens it.
    """
    mode = path.stat().st_mode
    kind = next((word for is_it, word in _SPECIAL.items() if is_it(mode)), None)
    given = os.path.realpath(path.parent).startswith(_GIVEN) or str(path) == "/dev/stdin"
    if kind and not (piped and given) and str(path) != os.devnull:
        raise ConfigError(f"{path}: is {kind}, not a file; give the path of a file")


def whole(path: Path, part: int = 1, piped: bool = True) -> bytes:
    """Return the bytes of a file; ConfigError where it has more than one may. OSError as it comes.

    `part` is TEXT or SETTINGS for what may only have a part of that; `piped` as of `check_kind`.
    """
    check_kind(path, piped)
    with path.open("rb") as stream:
        told = os.fstat(stream.fileno())
        if stat.S_ISREG(told.st_mode) and told.st_size * part > most_bytes():
            raise _larger(path, part, told.st_size)
        return _all(stream, path, part)


def unzipped(path: Path) -> bytes:
    """Return the bytes of a file, of a gzipped one those in it; bounds and errors as `whole`.

    What gzip raises comes as it is.
    """
    check_kind(path)
    with path.open("rb") as stream:
        if stream.read(len(_GZIPPED)) != _GZIPPED:
            return whole(path)
        stream.seek(0)
        with gzip.GzipFile(fileobj=stream) as inside:
            return _all(inside, path, 1)


def _all(stream: IO[bytes] | gzip.GzipFile, path: Path, part: int) -> bytes:
    most = most_bytes() // part
    found = bytearray()
    while piece := stream.read(_PIECE_BYTES):
        found += piece
        if len(found) > most:
            raise _larger(path, part, 0)
    return bytes(found)


def _larger(path: Path, part: int, size: int) -> ConfigError:
    """Return the error for a file of `size` bytes (0: nobody knows)."""
    most = most_bytes()
    wanted = -(-size * part // _MB) if size else 2 * most // _MB
    return ConfigError(
        f"{path}: is larger than {_mb(most // part)} MB, and no more is read of such a file; if it"
        f" is meant to be, set {Variable.UNPACK}={wanted}"
    )


def _mb(size: int) -> str:
    size = min(size, _UNTOLD)
    return f"{size / _MB:,.0f}" if _MB <= size < 10**18 else f"{size / _MB:.2g}"


def read_bounded(text: str | bytes) -> Any:
    """Return JSON that is not nested deeper than `check_depth` allows, of numbers of 64 bits.

    ValueError, RecursionError for any other. What opens fewer brackets than that, and has no such
    many digits, is not walked: it takes two thirds of what reading does.
    """
    told = json.loads(text)
    if isinstance(text, bytes) or text.count("{") + text.count("[") >= _DEEPEST:
        check_depth(told)
    if isinstance(text, bytes) or _MANY_DIGITS.search(text):
        _check_numbers(told)
    return told


def _check_numbers(told: Any) -> None:
    """ValueError for whole numbers beyond 64 bits: who computes with them may find no float."""
    level = [told]
    while level:
        if any(isinstance(one, int) and not -(1 << 63) <= one < 1 << 64 for one in level):
            raise ValueError("a whole number of more than 64 bits")
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]


def check_depth(told: Any) -> None:
    """ValueError for JSON that is nested deeper than anybody's is: who walks it would fall over."""
    level = [told]
    for _ in range(_DEEPEST):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return
    raise ValueError(f"nested more than {_DEEPEST} deep")


def _inside(one: dict[Any, Any] | list[Any]) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one
