"""All events of one launch: counted, bounded, folded, and what they come to looked at."""

from __future__ import annotations

from benchhub.device.events import schema
from benchhub.device.events.expected import Expected
from benchhub.device.events.folding import Folding
from benchhub.device.events.pace import Pace
from benchhub.device.events.parse import Broken
from benchhub.device.events.plausible import doubted, implausible
from benchhub.ondevice.wire import Job, Outcome


class LaunchEvents:
    """The events of a launch of `job` as they come, whoever passes them on; close it at last."""

    def __init__(self, job: Job, expected: Expected) -> None:
        self._job, self._expected = job, expected
        self._folding = Folding(job, expected)
        self._left = [self._folding.most_events, self._folding.most_bytes]
        self._pace = Pace()
        #: How many waited for the device when the launch had ended.
        self.waiting: int | None = None

    def take(self, event: schema.Event, size: int) -> bool:
        """Add an event whose line has `size` bytes; True once the launch has ended.

        Broken for what the protocol does not allow there.
        """
        self._pace.one()
        self._left[:] = self._left[0] - 1, self._left[1] - size
        if min(self._left) < 0:
            raise Broken(
                f"a launch of more than {self._folding.most_events} events or"
                f" {self._folding.most_bytes} bytes"
            )
        if isinstance(event, schema.EndEvent):
            self.waiting = event.waiting
        return self._folding.take(event)

    def outcome(self, took_ns: int) -> Outcome:
        """Return what the launch came to in `took_ns`; failed or interrupted where it cannot be."""
        outcome = self._folding.outcome
        return doubted(outcome, implausible(outcome, self._job, self._expected, took_ns))

    def close(self) -> None:
        """Forget what came of outputs."""
        self._folding.close()
