"""Four marks a call on an accelerator's own clock: around copy in, compute and copy out."""

from array import array
from typing import Any, Callable, Dict, List, Optional, Tuple

#: Mark sets held at once; beyond it they are read out and used again.
MOST = 65_536
NAMES = ("copy_in", "device", "copy_out")

Marks = Tuple[Any, Any, Any, Any]


class EventClock:
    """Hands out sets of four marks and turns them into nanoseconds afterwards.

    `create` returns one mark that can be recorded; `elapsed_ms` the milliseconds between two that
    were, which the device has passed. Nothing is measured before `begin`.
    """

    def __init__(
        self,
        create: Callable[[], Any],
        elapsed_ms: Callable[[Any, Any], float],
        most: int = MOST,
    ) -> None:
        self._create, self._elapsed_ms, self._most = create, elapsed_ms, most
        self._sets: List[Marks] = []
        self._used = 0
        self._begun = False
        self._read: Dict[str, "array[int]"] = {}

    def begin(self, calls: int) -> None:
        """Make the marks of `calls` calls beforehand: making one costs more than recording it."""
        self._begun = calls > 0
        self._used = 0
        self._read = {name: array("q") for name in NAMES}
        create = self._create
        for _ in range(min(calls, self._most) - len(self._sets)):
            self._sets.append((create(), create(), create(), create()))

    def next(self) -> Optional[Marks]:
        """Return the marks of the coming call; None while nothing is measured."""
        if not self._begun:
            return None
        if self._used == len(self._sets):
            self._read_out()
        marks = self._sets[self._used]
        self._used += 1
        return marks

    def tracks(self) -> Dict[str, "array[int]"]:
        """Return the nanoseconds of each call since `begin`, per track; and stop measuring."""
        self._read_out()
        self._begun = False
        return self._read

    def _read_out(self) -> None:
        for marks in self._sets[: self._used]:
            for index, name in enumerate(NAMES):
                elapsed_ms = self._elapsed_ms(marks[index], marks[index + 1])
                self._read.setdefault(name, array("q")).append(round(elapsed_ms * 1e6))
        self._used = 0
