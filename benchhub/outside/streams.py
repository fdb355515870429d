"""stdout and stderr that survive: a reader that hung up, letters a terminal does not have."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from typing import Any

#: What a terminal without these letters shows in their place.
_PLAIN = {
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+/-", "×": "x", "·": "*", "−": "-", "–": "-",
    "—": "-", "→": "->", "←": "<-", "…": "...", "•": "*", "µ": "u", "μ": "u", "σ": "sigma",
    "Δ": "delta", "°": " deg", "√": "sqrt", "‘": "'", "’": "'", "“": '"', "”": '"', "✓": "ok",
    "✗": "x", "│": "|", "─": "-", "━": "-", "╸": "-", "╺": "-", "█": "#",
}  # fmt: skip
_HANDLER = "benchhub"


def hold() -> None:
    """Make this process's output survive; to be called once, before anything is printed.

    A reader that hangs up, or a full disk, costs what is not read or written, and ends nothing in
    its middle: reports are written all the same, and `finish` says so. What an encoding
    cannot write is written in letters that it has. A stream that was closed is /dev/null.
    """
    codecs.register_error(_HANDLER, _in_its_letters)
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened were taken for it
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:  # closed: nobody answers
        sys.stdin = _nothing("r")
    for name in ("stdout", "stderr"):
        held = _held(getattr(sys, name))
        setattr(sys, name, held)
        setattr(sys, f"__{name}__", held)


def finish() -> str | None:
    """Flush both; return why stdout did not take all that was printed, None if it did."""
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except (OSError, ValueError) as error:  # streams that are not held
            if stream is sys.stdout:
                return str(error)
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.refusal if isinstance(raw, _Lasting) else None


class _Lasting(io.FileIO):
    """A file descriptor that takes all: what nobody reads any more, and what finds no room."""

    #: Why what was written is lost, where somebody should hear of it.
    refusal: str | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            pass
        except OSError as error:
            self.refusal = error.strerror
        return int(memoryview(data).nbytes)


def _held(stream: Any) -> Any:
    if stream is None:
        return _nothing("w")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        number = stream.fileno()
        stream.flush()
    except (OSError, ValueError):
        return stream
    encoding, buffered = stream.encoding, stream.line_buffering
    through = stream.write_through
    stream.detach()
    raw = io.BufferedWriter(_Lasting(number, "wb", closefd=False))
    return io.TextIOWrapper(
        raw, encoding=encoding, errors=_HANDLER, line_buffering=buffered, write_through=through
    )


def _nothing(mode: str) -> Any:
    return open(os.devnull, mode, encoding="utf-8")


def _in_its_letters(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    found = []
    for letter in text:
        plain = _PLAIN.get(letter)
        if plain is None:
            plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        found.append(plain or letter.encode("ascii", "backslashreplace").decode())
    return "".join(found), error.end
