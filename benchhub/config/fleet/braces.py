"""Names by a pattern with braces, as shells know it: `rack1-{01..40}`, `pi-{a,b}`; pure."""

from __future__ import annotations

import itertools
import math
import re

from benchhub.errors import ConfigError

_BRACES = re.compile(r"\{([^{}]*)\}")
#: From one whole number to another, both as they are written.
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")
#: What has more digits is no number of a device.
_MOST_DIGITS = 12
#: The same in the notation of other programs.
_SQUARE = re.compile(r"\[([0-9]+)-([0-9]+)\]")


def count(pattern: str) -> int:
    """Return how many texts `expanded` would return, without making one; ConfigError."""
    return math.prod(sum(map(_size, part)) for part in _parts(pattern))


def expanded(pattern: str) -> list[str]:
    """Return the texts that a pattern stands for, in its order; itself, where it has no braces.

    Numbers are as wide as the first or last of a range where that begins with a 0, so 01..40 are
    two digits each. ConfigError says what is wrong with a pattern.
    """
    texts = [[text for piece in part for text in _texts(piece)] for part in _parts(pattern)]
    return ["".join(chosen) for chosen in itertools.product(*texts)]


def _parts(pattern: str) -> list[list[str]]:
    """Return the pieces of a pattern: a plain text, or what stands between commas in braces."""
    outside = _BRACES.sub("", pattern)
    if "{" in outside or "}" in outside:
        raise ConfigError(f"{pattern}: braces are pairs, and none is within others")
    if found := _SQUARE.search(pattern):
        meant = pattern.replace(found[0], f"{{{found[1]}..{found[2]}}}")
        raise ConfigError(f"{pattern}: numbers are written {{FIRST..LAST}}: {meant}")
    parts: list[list[str]] = []
    end = 0
    for found in _BRACES.finditer(pattern):
        parts.append([pattern[end : found.start()]])
        pieces = [piece.strip() for piece in found[1].split(",")]
        if not all(pieces):
            raise ConfigError(f"{pattern}: {found[0]} has nothing where a name should be")
        if len(pieces) == 1 and not _RANGE.fullmatch(pieces[0]):
            raise ConfigError(f"{pattern}: {found[0]} should be {{FIRST..LAST}} or {{A,B,C}}")
        for piece in pieces:
            _check(pattern, piece)
        parts.append(pieces)
        end = found.end()
    return [*parts, [pattern[end:]]]


def _check(pattern: str, piece: str) -> None:
    found = _RANGE.fullmatch(piece)
    if ".." in piece and not found:
        raise ConfigError(f"{pattern}: {piece} should be two whole numbers, as 01..40")
    if found and max(map(len, found.groups())) > _MOST_DIGITS:
        raise ConfigError(f"{pattern}: {piece}: numbers have {_MOST_DIGITS} digits at most")
    if found and int(found[1]) > int(found[2]):
        raise ConfigError(f"{pattern}: {piece} counts down: write {found[2]}..{found[1]}")


def _size(piece: str) -> int:
    found = _RANGE.fullmatch(piece)
    return int(found[2]) - int(found[1]) + 1 if found else 1


def _texts(piece: str) -> list[str]:
    found = _RANGE.fullmatch(piece)
    if found is None:
        return [piece]
    padded = any(end.startswith("0") and len(end) > 1 for end in found.groups())
    width = max(map(len, found.groups())) if padded else 0
    return [str(number).zfill(width) for number in range(int(found[1]), int(found[2]) + 1)]
