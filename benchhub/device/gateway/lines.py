"""What an agent says, as it comes through a gateway: bytes in pieces, read as lines."""

from __future__ import annotations

from collections.abc import Callable

from benchhub.device.events.parse import Broken


class Lines:
    """Bytes that come in pieces, taken line by line; Broken for a line that is too long."""

    def __init__(self, most_bytes: int, take: Callable[[bytes], bool]) -> None:
        self._most_bytes, self._take = most_bytes, take
        self._rest = bytearray()
        #: Whether `take` has said that all is there.
        self.over = False

    def add(self, data: bytes) -> None:
        """Take what came, up to its last whole line."""
        self._rest += data
        begin = 0
        while (end := self._rest.find(b"\n", begin)) >= 0:
            if self.over:
                raise Broken("lines after the last one")
            if end - begin > self._most_bytes:
                raise Broken(
                    f"a line of {end - begin} bytes, at most {self._most_bytes} are allowed"
                )
            self.over = self._take(bytes(self._rest[begin : end + 1]))
            begin = end + 1
        del self._rest[:begin]
        if len(self._rest) > self._most_bytes:
            raise Broken(f"a line of more than {self._most_bytes} bytes")
