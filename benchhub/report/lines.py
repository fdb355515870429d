"""Text in lines of a width: a number is never cut, nor one parted from its interval or unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

#: Stands for a space at which no line is to be broken.
UNBROKEN = "\u00a0"
_NUMBER = r"[-+]?\d[\d,.]*"
_BRACKET = r"\[[-+\w][^\[\]`]{0,80}\]"
_UNIT = (
    r"(?:(?:ms|us|s|min|h|KiB|MiB|GiB|MB|mJ|PASS|FAIL|ERROR|INCONCLUSIVE|cells?|devices?"
    r"|launch(?:es)?|runs?|threads?)\b|%)"
)
#: What belongs together: `<= 20 ms`, `0.54 [0.53, 0.55] ms`, a bracket alone, a command, an option.
_TOGETHER = re.compile(
    rf"(?<![\w.`])(?:p )?(?:[<>]?[=<>≤≥] )?{_NUMBER}x?(?: ?%)?(?: {_BRACKET})?(?: {_UNIT})?"
    rf"|{_BRACKET}|`[^`]+`|--[a-z][\w-]* [^\s`-]\S*"
)
_WORD = re.compile(r"( *)([^ ]+)")
#: After these a long word may be broken, unless that were within a number or a date.
_JOINT = re.compile(r"(?<=[-_./:,@=+|])(?<!\d[-_./:,](?=\d))(?<!\d[eE][-+])")
_DIGITS = "0123456789.,"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; `style` is an outcome, `dim`, or empty."""

    text: str
    style: str = ""


def wrapped(text: str, width: int, style: str = "", indent: str = "") -> Iterator[Line]:
    """Yield `text` in lines of `width` columns, all but the first indented; of nothing, none."""
    if text.strip():
        yield from (Line(part, style) for part in folded(text, max(40, width), indent))


def folded(text: str, width: int, indent: str = "", breaks: bool = True) -> list[str]:
    """Return `text` in lines of at most `width` cells, all but the first indented.

    Longer is only a number that no line has room for. Words that are longer are broken where their
    parts meet, or not, as `breaks` says: then they are on one line, and that is longer.
    """
    room = max(1, width - cell_len(indent))
    lines, line = [], ""
    for gap, word in _WORD.findall(_together(text.replace("\n", " "), room)):
        for place, piece in enumerate(_pieces(word, room) if breaks else [word]):
            lead = "" if place else gap
            if line.strip() and cell_len(line) + len(lead) + cell_len(piece) > width:
                lines.append(line)
                line = indent + piece
            else:
                line += lead + piece
    return [one.replace(UNBROKEN, " ") for one in (*lines, line)]


def widest_part(text: str, most: int) -> int:
    """Return how many cells the widest word has, of wider ones than `most` no more than that.

    A number that is wider counts whole: `folded` does not break it.
    """
    words = _WORD.findall(_together(text, most))
    return max((_wide(word, most) for _, word in words), default=0)


def _wide(word: str, most: int) -> int:
    return max(min(most, cell_len(word)), *map(cell_len, _pieces(word, most)))


def _together(text: str, most: int) -> str:
    def joined(found: re.Match[str]) -> str:
        whole = found[0]
        figure, bracket = f"{whole.rpartition(']')[0]}]", f"[{whole.partition('[')[2]}"
        for part in (whole, figure, f"{bracket.rpartition(']')[0]}]"):
            if cell_len(part) <= most and part in whole:
                return whole.replace(part, part.replace(" ", UNBROKEN))
        return whole

    return _TOGETHER.sub(joined, text)


def _pieces(word: str, most: int) -> Iterator[str]:
    """Yield a word, or of a wider one its parts, each cut where no number is cut."""
    if cell_len(word) <= most:
        yield word
        return
    for part in _JOINT.split(word):
        while cell_len(part) > most and (place := _cut(part, most)):
            yield part[:place]
            part = part[place:]
        if part:
            yield part


def _cut(part: str, most: int) -> int:
    """Return the last place at which a part of a word may be cut within `most` cells; 0: none."""
    places = (
        place
        for place in range(min(most, len(part) - 1), 0, -1)
        if cell_len(part[:place]) <= most
        and not (part[place - 1] in _DIGITS and part[place] in _DIGITS)
        and not (part[place - 1] in "[(" or part[place] in "])")
    )
    return next(places, 0)
