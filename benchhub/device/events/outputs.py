"""Outputs put together from their pieces, never more of them than the launch was asked for."""

from __future__ import annotations

import math

import numpy as np

from benchhub.device.events.bounds import MOST_SHAPE_BYTES
from benchhub.device.events.expected import Expected
from benchhub.device.events.parse import Broken
from benchhub.device.events.schema import MoreEvent, OutputsEvent
from benchhub.device.events.spool import Spool
from benchhub.ondevice.wire import Array, Job


class _Output:
    def __init__(self, first: OutputsEvent) -> None:
        self.name, self.dtype = first.name, first.dtype
        self.case_shape = first.shape[1:]
        self.cases = 0
        self.spool = Spool()


class Assembly:
    """The outputs of one launch; Broken for what does not fit together, or is too much."""

    def __init__(self, job: Job, expected: Expected) -> None:
        self._wanted = expected.wanted(job)
        self._most_bytes = expected.most_bytes(job)
        self._found: list[_Output] = []
        self._count = 0
        self._at = -1
        self._size = 0
        self._missing = 0

    def begin(self, event: OutputsEvent) -> None:
        """Take the beginning of some cases of one output."""
        if self._missing:
            raise Broken("an output that begins before the one before it has ended")
        output = self._output(event)
        self._at = event.index
        cases = event.shape[0]
        if (output.dtype, output.case_shape) != (event.dtype, event.shape[1:]):
            raise Broken(f"output {event.index} that changes its type or shape")
        output.cases += cases
        if self._wanted is not None and output.cases > self._wanted:
            raise Broken(f"{output.cases} cases of output {event.index}, {self._wanted} were asked")
        width = np.dtype(event.dtype).itemsize
        if math.prod(max(1, n) for n in event.shape[1:]) * width > MOST_SHAPE_BYTES:
            raise Broken(f"output {event.index} of a shape that no memory holds")
        size = math.prod(event.shape) * width
        self._size += size
        if self._size > self._most_bytes:
            raise Broken(f"outputs of {self._size} bytes, at most {self._most_bytes} were asked")
        self._missing = size
        self._add(event.data)

    def go_on(self, event: MoreEvent) -> None:
        """Take the next bytes of the same."""
        if not self._missing or not event.data:
            raise Broken("the rest of an output that is whole")
        self._add(event.data)

    def arrays(self) -> list[Array]:
        """Return the outputs once all have come."""
        if self._missing:
            raise Broken("an output that is not whole")
        if self._found and (self._at != self._count - 1 or len(self._found) != self._count):
            raise Broken(f"{len(self._found)} outputs of {self._count}")
        return [
            Array(one.name, one.dtype, (one.cases, *one.case_shape), one.spool.content())
            for one in self._found
        ]

    def close(self) -> None:
        """Forget what came."""
        for one in self._found:
            one.spool.close()

    def _output(self, event: OutputsEvent) -> _Output:
        if not event.shape:
            raise Broken(f"output {event.index} without cases")
        if not self._found:
            self._count = event.count
        following = (self._at, self._at + 1, 0 if self._at == self._count - 1 else self._at)
        if event.count != self._count or event.index not in following or event.index < 0:
            raise Broken(f"output {event.index} of {event.count} out of its order")
        if event.index >= self._count:
            raise Broken(f"output {event.index} of {event.count}")
        if event.index == len(self._found):
            self._found.append(_Output(event))
        found = self._found[event.index]
        if found.name != event.name:
            raise Broken(f"output {event.index} that changes its name")
        return found

    def _add(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing < 0:
            raise Broken(f"output {self._at} with more bytes than its shape takes")
        self._found[self._at].spool.write(data)
