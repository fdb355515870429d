"""The tests' own sshd on loopback, for benchmarks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path += [str(Path(__file__).parent.parent / folder) for folder in ("tests/device", "tests")]

from loopback_sshd import Sshd, start_sshd

__all__ = ["Sshd", "running_sshd"]


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """Run a server for the length of a with block."""
    server = start_sshd(folder)
    try:
        yield server
    finally:
        server.stop()
