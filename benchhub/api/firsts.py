"""What many devices say alike: the first few in full, and how many more there were."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from benchhub.text import plural

#: So many devices may each be told of in full: one line each still fits a screen.
FEW_DEVICES = 12
#: Of more devices, so many say each kind of thing in full.
EACH_IN_FULL = 3
#: Of those that say the same, so many are named.
NAMED = 40
#: What tells apart those that say the same: figures, and names of hosts and keys with some in them.
_OWN = re.compile(r"[\w.\[\]-]*\d[\w.:\[\]-]*")


class Firsts:
    """Counts what is said by its kind, whoever says it. Thread-safe."""

    def __init__(self, devices: int) -> None:
        self._all = devices <= FEW_DEVICES
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        self._more: dict[str, tuple[str, int]] = {}

    def in_full(self, device: str, text: str, counted: bool = True) -> bool:
        """Return whether to tell this; if not, and `counted`, it is among what `more` tells."""
        if self._all:
            return True
        kind = kind_of(device, text)
        with self._lock:
            seen = self._seen[kind] = self._seen.get(kind, 0) + 1
            if seen <= EACH_IN_FULL:
                return True
            if counted:
                self._more[kind] = text, self._more.get(kind, ("", 0))[1] + 1
            return False

    def more(self) -> list[str]:
        """Return a line on each kind that was said again since this was asked last."""
        with self._lock:
            more, self._more = self._more, {}
        return [f"{count} more: such as {text}" for text, count in more.values()]


def grouped(problems: Sequence[str]) -> list[str]:
    """Return problems of devices, whose names they begin with, as lines for people.

    Of more than a few the first of each kind in full, and who else has the same.
    """
    if len(problems) <= FEW_DEVICES:
        return list(problems)
    alike: dict[str, list[str]] = {}
    for problem in problems:
        alike.setdefault(kind_of(problem.partition(": ")[0], problem), []).append(problem)
    lines = []
    for of_kind in alike.values():
        lines += of_kind[:EACH_IN_FULL]
        more = [problem.partition(": ")[0] for problem in of_kind[EACH_IN_FULL:]]
        if more:
            named = ", ".join(more[:NAMED])
            rest = f" and {len(more) - NAMED} more" if len(more) > NAMED else ""
            lines.append(f"{plural(len(more), 'more device')} alike: {named}{rest}")
    return lines


def kind_of(device: str, text: str) -> str:
    """Return what is the same in a text of one device and in that of another."""
    return _OWN.sub("#", text.replace(device, "#"))
