"""A ProxyCommand: a process that carries a connection, or hands over one that it made."""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import tempfile
from typing import BinaryIO

_ENDING_S = 2.0
_TAIL_BYTES = 2000


class ProxyFailed(Exception):
    """The command ended or handed nothing over; the text is what it said."""


class Proxy:
    """A running ProxyCommand; `sock` is the connection through it."""

    def __init__(self, command: str, passes_socket: bool, timeout_s: float) -> None:
        ours, theirs = socket.socketpair()
        self._said: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        with theirs:
            self._process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                stdin=subprocess.DEVNULL if passes_socket else theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is for benchhub, which then closes this
            )
        self.sock = ours
        if passes_socket:
            try:
                self.sock = _handed_over(ours, timeout_s)
            except OSError as error:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_ENDING_S)  # what it says last is why
                said = self.said() or str(error)
                self.close()
                raise ProxyFailed(f"{shlex.quote(command)} passed no socket: {said}") from error

    def said(self) -> str:
        """Return the end of what the command wrote to its stderr, as one line."""
        with contextlib.suppress(OSError, ValueError):
            self._said.seek(0)
            return " ".join(self._said.read()[-_TAIL_BYTES:].decode("utf-8", "replace").split())
        return ""

    def close(self) -> None:
        """End it. Never raises."""
        with contextlib.suppress(OSError):
            self.sock.close()
        try:
            self._process.wait(0.1)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(_ENDING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._said.close()


def _handed_over(ours: socket.socket, timeout_s: float) -> socket.socket:
    with ours:
        ours.settimeout(timeout_s)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        if not descriptors:
            raise OSError("it ended")
        return socket.socket(fileno=descriptors[0])
