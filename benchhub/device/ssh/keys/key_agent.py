"""The user's SSH agent (RFC draft miller-ssh-agent): the keys it holds, and their signatures."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from benchhub.device.ssh.keys.wire_format import Malformed, Reader, string

_LIST, _LISTED = 11, 12
_SIGN, _SIGNED = 13, 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
_LISTING_S = 5.0
_MAX_ANSWER = 1 << 22


class AgentError(Exception):
    """The agent does not answer, or will not."""


@dataclass(frozen=True, slots=True)
class Held:
    """A key, or certificate, that an agent holds."""

    blob: bytes
    comment: str


class KeyAgent:
    """A connection to an agent; AgentError from everything that it does not do."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_LISTING_S)
            self._socket.connect(path)
            #: In the agent's own order.
            self.keys = self._list()
        except BaseException as error:
            self._socket.close()
            if isinstance(error, OSError | ValueError):
                raise AgentError(str(error)) from error
            raise

    def holds(self, blob: bytes) -> bool:
        """Tell whether it can sign with the key `blob`."""
        return any(key.blob == blob for key in self.keys)

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """Return a signature over `data` with the key `blob`; its user may be asked first."""
        # Without limit: a security key waits to be touched.
        self._socket.settimeout(None)
        flags = _FLAGS.get(algorithm, 0).to_bytes(4, "big")
        try:
            answer = self._ask(bytes([_SIGN]) + string(blob) + string(data) + flags)
            if answer.number(1) != _SIGNED:
                raise AgentError("the agent does not sign with it; is it locked?")
            return answer.string()
        except (OSError, Malformed) as error:
            raise AgentError(f"the agent fails: {error}") from error

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _list(self) -> tuple[Held, ...]:
        answer = self._ask(bytes([_LIST]))
        if answer.number(1) != _LISTED:
            raise AgentError("it lists no keys")
        return tuple(
            Held(answer.string(), answer.string().decode("utf-8", "replace"))
            for _ in range(answer.number())
        )

    def _ask(self, message: bytes) -> Reader:
        self._socket.sendall(string(message))
        size = int.from_bytes(self._exactly(4), "big")
        if size > _MAX_ANSWER:
            raise Malformed(f"its answer has {size} bytes")
        return Reader(self._exactly(size))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise Malformed("it hung up")
            data += more
        return data
