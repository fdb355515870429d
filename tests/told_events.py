"""Events as an agent sends them, and what a launch makes of them on the controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchhub.device.events.expected import UNTOLD, Expected
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import parse
from benchhub.device.events.schema import Event
from benchhub.ondevice import wire


def as_sent(event: Mapping[str, Any], n: int = 0, to: str = "launch") -> bytes:
    """Return a child's event as the line that the agent makes of it."""
    return wire.encode({"v": wire.PROTOCOL, "n": n, "to": to, **event})


def heard(event: Mapping[str, Any]) -> Event:
    """Return it as the controller reads it."""
    return parse(as_sent(event))


class Gathering:
    """Takes a child's events, without the agent's end."""

    def __init__(self, job: wire.Job, expected: Expected = UNTOLD) -> None:
        self._folding = Folding(job, expected)

    def take(self, event: Mapping[str, Any]) -> None:
        self._folding.take(heard(event))

    def take_all(self, events: Iterable[Mapping[str, Any]]) -> Gathering:
        for event in events:
            self.take(event)
        return self

    def outcome(self) -> wire.Outcome:
        """Return what has come so far, outputs included."""
        outcome = self._folding.outcome
        outcome.outputs = self._folding._assembly.arrays()
        return outcome
