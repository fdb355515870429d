"""A runtime's message as one line that keeps both its ends: the last words name the cause."""

import re
from typing import Optional

#: Longer messages lose their middle.
MOST_CHARS = 2000
_HEAD_CHARS = 400
#: What is looked at of a message of any length, at either end.
_SEEN_CHARS = 8000
_CUT = " [..] "
#: A place in a runtime's own source, as its macros write it: a C++ signature may come next.
_PLACE = re.compile(r"(?<!\S)(?:\S{0,300}/)?([\w.+-]{1,100}\.(?:cc|cpp|cxx|hpp|h|cuh|cu):\d{1,6}) ")
_NAME = r"[\w:<>~*&,=\[\] ]{0,300}"
_RETURNS = re.compile(_NAME + r"?\w::" + _NAME + r"\(")
_TEMPLATE = re.compile(r">[\w:<>~*&,]{0,300}\(")
_BEHIND = re.compile(r" (?:const|noexcept)\b| \[with [^\]]{0,300}\]")


def cause(text: str) -> str:
    """Return `text` on one line of at most MOST_CHARS.

    Folders and C++ signatures of a runtime's own source go; then, of what is still too long, the
    middle.
    """
    if len(text) > 2 * _SEEN_CHARS:
        text = text[:_SEEN_CHARS] + _CUT + text[-_SEEN_CHARS:]
    line = _without_signatures(" ".join(text.split()))
    if len(line) <= MOST_CHARS:
        return line
    tail = MOST_CHARS - _HEAD_CHARS - len(_CUT)
    return line[:_HEAD_CHARS] + _CUT + line[-tail:]


def _without_signatures(line: str) -> str:
    said, at = "", 0
    for place in _PLACE.finditer(line):
        if place.start() < at:  # inside a signature that is left out
            continue
        end = _signature_end(line, place.end())
        said += line[at : place.start()] + place.group(1) + (" " if end is None else ":")
        at = place.end() if end is None else end
    return said + line[at:]


def _signature_end(line: str, start: int) -> Optional[int]:
    """Return where a signature that begins at `start` ends; None: none begins there."""
    found = _RETURNS.match(line, start)
    if found is None:
        return None
    at = found.end() - 1
    while at < len(line) and line[at] == "(":  # operator()(..) has two
        closed = _closing(line, at)
        if closed is None:
            return None
        at = closed + 1
        template = _TEMPLATE.match(line, at)
        at = at if template is None else template.end() - 1
    behind = _BEHIND.match(line, at)
    while behind is not None:
        at = behind.end()
        behind = _BEHIND.match(line, at)
    return at


def _closing(line: str, start: int) -> Optional[int]:
    depth = 0
    for place in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[place], 0)
        if depth == 0:
            return place
    return None
