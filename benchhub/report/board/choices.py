"""What a page of a board is narrowed down by: the choices there are, and a row's own; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchhub.report.board.line import BoardLine

NAMES = ("suite", "device", "backend", "variant", "scenario", "precision", "verdict")
_VERDICTS = ("FAIL", "INCONCLUSIVE", "PASS", "none")


@dataclass(frozen=True, slots=True)
class Choices:
    """The values of each facet by name; a row has them by their places: `0 1 7 0 2 0 1`."""

    values: Mapping[str, tuple[str, ...]]

    @property
    def shown(self) -> dict[str, tuple[str, ...]]:
        """Those in which there is anything to choose."""
        return {name: of for name, of in self.values.items() if len(of) > 1}

    def of(self, line: BoardLine) -> str:
        """Return the places of a row."""
        return " ".join(str(self.values[name].index(line.facet(name))) for name in NAMES)


def choices(lines: Sequence[BoardLine]) -> Choices:
    """Return what some rows can be narrowed down by."""
    found = {name: tuple(dict.fromkeys(one.facet(name) for one in lines)) for name in NAMES}
    known = set(found["verdict"])
    return Choices(found | {"verdict": tuple(one for one in _VERDICTS if one in known)})
