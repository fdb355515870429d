"""Two documents held against each other, piece by piece; numbers to what a sum's order changes."""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

#: Sums may be taken in another order by another processor.
_ROUNDED = 1e-9
_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
_TEXT = re.compile(r"<(?:text|title|desc)\b[^>]*>(.*?)</", re.DOTALL)


class Difference(NamedTuple):
    """A piece that is not as it was: where it stands, as a path or empty, and its two texts."""

    path: str
    was: str
    now: str


def differences(name: str, was: str, now: str) -> Iterator[Difference]:
    """Yield what differs between two versions of the document `name`, whose ending says how."""
    kind = name.rpartition(".")[2]
    if kind == "json":
        yield from _of_values(json.loads(was), json.loads(now), "")
    elif kind == "csv":
        yield from _of_tables(_table(was), _table(now))
    elif kind == "html":
        yield from _of_lines(_tags(was), _tags(now))
    else:
        yield from _of_lines(was.splitlines(), now.splitlines())


def _of_values(was: Any, now: Any, path: str) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was.keys() | now.keys():
            yield from _of_values(was.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            yield from _of_values(one, other, f"{path}[]")
    elif not _same(was, now):
        yield Difference(path, json.dumps(was), json.dumps(now))


def _of_tables(was: list[dict[str, str]], now: list[dict[str, str]]) -> Iterator[Difference]:
    if len(was) != len(now):
        yield Difference("", f"{len(was)} rows", f"{len(now)} rows")
        return
    columns = [list(table[0]) if table else [] for table in (was, now)]
    if [name for name in columns[1] if name in columns[0]] != columns[0]:
        yield Difference("", " ".join(columns[0]), " ".join(columns[1]))
    for one, other in zip(was, now, strict=True):
        for name in dict.fromkeys((*one, *other)):
            if not _same(_number(one.get(name, "")), _number(other.get(name, ""))):
                yield Difference(name, one.get(name, ""), other.get(name, ""))
    for name in columns[1]:
        if name not in columns[0]:
            yield Difference(name, "", "a new column")


def _of_lines(was: list[str], now: list[str]) -> Iterator[Difference]:
    for mark, a, b, c, d in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if mark != "equal":
            yield from (Difference("", line, "") for line in was[a:b])
            yield from (Difference("", "", line) for line in now[c:d])


def _same(was: Any, now: Any) -> bool:
    if isinstance(was, float) and isinstance(now, float):
        both_nan = math.isnan(was) and math.isnan(now)
        return both_nan or math.isclose(was, now, rel_tol=_ROUNDED, abs_tol=1e-15)
    return bool(was == now) and type(was) is type(now)


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _tags(page: str) -> list[str]:
    """Return a page tag by tag; of a chart its words, as its lines are the drawing library's."""
    bare = _SVG.sub(lambda found: "".join(f"<svg>{word}" for word in _TEXT.findall(found[0])), page)
    return [line for line in bare.replace("<", "\n<").splitlines() if line.strip()]
