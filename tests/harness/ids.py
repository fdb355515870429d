"""Names of tests: the same wherever and whenever they are collected, and short enough to read.

Several processes collect the tests and must agree on them; a name made of an argument's bytes may
hold a time, one made of an object's repr an address.
"""

from __future__ import annotations

import re

import pytest

#: Of an argument that is text, and of everything between the brackets.
_OF_TEXT, _OF_ALL = 48, 160
_UNSTABLE = (
    (re.compile(r"[^ -~]"), "holds other than printable ASCII"),
    (re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}"), "is made of bytes or of escaped characters"),
    (re.compile(r"0x[0-9a-f]{6,}|<(?:lambda|locals)>"), "is made of an object's address or place"),
)


def wrong_with(name: str) -> str | None:
    """Return what is wrong with a test's name, None if nothing is."""
    for pattern, what in _UNSTABLE:
        if pattern.search(name):
            return what
    _, _, arguments = name.partition("[")
    if len(arguments) > _OF_ALL + 1:
        return f"is of {len(arguments) - 1} characters between its brackets, at most {_OF_ALL}"
    return None


def of_argument(value: object, argument: str) -> str | None:
    """Return what a parameter's value adds to the names of its tests; None: what pytest says.

    What is returned for several values is numbered by pytest, in the order they are written in.
    """
    if isinstance(value, bytes) or getattr(value, "__name__", "") == "<lambda>":
        return argument
    if isinstance(value, str):
        words = " ".join(re.sub(r"[^ -~]|\\", " ", value).split())
        short = words if len(words) <= _OF_TEXT else words[: _OF_TEXT - 2] + ".."
        return short if short or not value else argument
    return None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name tests by `of_argument`."""
    return of_argument(val, argname)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that could differ between two processes."""
    wrong = [f"{item.nodeid!a:.300} {what}" for item in items if (what := wrong_with(item.name))]
    if wrong:
        raise pytest.UsageError("; give `ids`: ".join(["names of tests must hold still", *wrong]))
