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
    """Yield what differs between two versions of the document `name`, whose ending says how.

    Rows and verdicts are held against those of the same cell, and flags against those of the same
    name, wherever these stand. A path says what they are of, with the batch:
    `rows[latency 1].quality`, in a table `latency 1: quality`.
    """
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
    elif _are_named(was) and _are_named(now):
        yield from _of_items(was, now, path)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            yield from _of_values(one, other, f"{path}[]")
    elif not _same(was, now):
        yield Difference(path, json.dumps(was), json.dumps(now))


def _told(item: Any) -> str:
    """Return what an item of a list is told by, wherever it stands; empty: by where it stands."""
    if isinstance(item, dict) and {"cell", "scenario", "batch"} <= item.keys():
        return " ".join(str(item[name]) for name in ("scenario", "batch", "column") if name in item)
    if isinstance(item, dict) and {"name", "evidence"} <= item.keys():
        return str(item["name"])
    return ""


def _identities(items: list[Any]) -> dict[tuple[Any, ...], Any]:
    names = ("run", "cell", "budget", "column", "name", "evidence")
    return {tuple(item.get(name) for name in names): item for item in items}


def _are_named(items: Any) -> bool:
    return (
        isinstance(items, list)
        and all(map(_told, items))
        and (len(_identities(items)) == len(items))
    )


def _of_items(was: list[Any], now: list[Any], path: str) -> Iterator[Difference]:
    old, new = _identities(was), _identities(now)
    for one in dict.fromkeys((*old, *new)):
        told = _told(old.get(one) or new[one])
        yield from _of_values(old.get(one), new.get(one), f"{path}[{told}]")
    # The gate sorts by outcome: what has another one stands elsewhere.
    stay = {one for one in old if one in new and old[one].get("outcome") == new[one].get("outcome")}
    if [one for one in old if one in stay] != [one for one in new if one in stay]:
        yield Difference(f"{path}[]", "in order", "in another order")


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
                of = f"{one['scenario']} {one['batch']}: " if "scenario" in one else ""
                yield Difference(f"{of}{name}", one.get(name, ""), other.get(name, ""))
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
