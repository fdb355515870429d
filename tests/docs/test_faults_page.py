"""docs/explanation/faults.md knows every kind of failure that can be shown, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repository import ROOT

from benchhub import errors
from benchhub.errors import DeviceError
from benchhub.ondevice.wire import KINDS, TROUBLES

TEXT = (ROOT / "docs" / "explanation" / "faults.md").read_text("utf-8")


def section(name: str) -> str:
    found = TEXT.partition(f"\n## {name}\n")[2]
    assert found, name
    return found.partition("\n## ")[0]


def below(kind: type[DeviceError]) -> Iterator[str]:
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield one.__name__
        yield from below(one)


def test_every_kind_of_failed_launch_says_what_to_do() -> None:
    rows = re.findall(r"^\| `(\w+)` \| \S.*\|$", section("What to do about a failed launch"), re.M)
    assert rows == list(KINDS)


def test_every_error_of_a_device_says_what_to_do() -> None:
    told = section("What to do about a device that is left out")
    rows = re.findall(r"^\| .+ \| `(\w+)` \| \S.*\|$", told, re.M)
    assert sorted(rows) == sorted(set(below(DeviceError)))
    assert all(f"`{kind}`" in told for kind in TROUBLES)
