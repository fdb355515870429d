"""Calls in order whose outputs are fed back into the next one's inputs: models with state."""

from array import array
from typing import Any, Callable, List, Mapping, Sequence, Tuple

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.failed import Failed


class Stream:
    """A bound call and what is fed back after each; the feeding is no part of what is timed.

    `state` maps inputs to the outputs that they take. What is fed back is copied: an output is
    only valid until the next call.
    """

    def __init__(
        self,
        session: Any,
        feeds: Mapping[str, Any],
        state: Mapping[str, str],
    ) -> None:
        self.call = session.bind(feeds)
        self._outputs: Any = None
        self._put = getattr(self.call, "put", None)
        self._feeds = feeds
        if self._put is None and not getattr(session, "reads_feeds", False):
            text = "%s cannot feed outputs back into inputs; choose another backend"
            raise Failed("unsupported", text % session.provider)
        self._places = places(session.outputs, state)

    def __call__(self) -> Any:
        """Make one call, without feeding anything back."""
        self._outputs = self.call()
        return self._outputs

    def advance(self) -> None:
        """Feed the outputs of the last call back."""
        for name, place in self._places:
            value = self._outputs[place]
            if self._put is not None:
                self._put(name, value)
            else:
                self._feeds[name][...] = value

    def time(
        self,
        clock: Callable[[], int],
        buffer: "array[int]",
        iterations: int,
        min_iterations: int,
        max_timed_ns: int,
    ) -> Tuple[int, int]:
        """Do what `loop.time_calls` does, and feed back after each call; elapsed_ns is of calls."""
        call, start, spent = self.call, clock(), 0
        for index in range(iterations):
            before = clock()
            found = call()
            after = clock()
            self._outputs = found
            buffer[index] = after - before
            spent += after - before
            self.advance()
            if after - start > max_timed_ns and index + 1 >= min_iterations:
                return index + 1, spent
        return iterations, spent


def places(outputs: Sequence[TensorInfo], state: Mapping[str, str]) -> List[Tuple[str, int]]:
    """Return each input of `state` with the position of the output that it takes; ValueError."""
    there = [tensor.name for tensor in outputs]
    for source in state.values():
        if source not in there:
            raise ValueError("the model has outputs %s, not %s" % (", ".join(there), source))
    return [(name, there.index(source)) for name, source in state.items()]
