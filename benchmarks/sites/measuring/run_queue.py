"""How long processes waited for a processor while others had it: what a busy machine adds."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

_EVERY_S = 0.2


class RunQueue:
    """Adds up, while it is entered, what the kernel counts for every thread of some processes.

    `of` is asked for their ids again and again: they may be there only later.
    """

    def __init__(self, of: Callable[[], Iterable[int]]) -> None:
        self._of = of
        self._seen: dict[tuple[int, str], tuple[int, int]] = {}
        self._before: dict[tuple[int, str], tuple[int, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> RunQueue:
        self._look()
        self._before = dict(self._seen)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def stretch(self, process: int | None = None) -> float:
        """Return the wall seconds that a processor second took: of one process, or of all."""
        ran = waited = 0
        for key, (run_ns, wait_ns) in self._seen.items():
            if process in (None, key[0]):
                before = self._before.get(key, (0, 0))
                ran, waited = ran + run_ns - before[0], waited + wait_ns - before[1]
        return (ran + waited) / ran if ran else 1.0

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        for process in self._of():
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{process}/task").iterdir():
                    with contextlib.suppress(OSError, ValueError):
                        run_ns, wait_ns, _ = (task / "schedstat").read_text().split()
                        self._seen[process, task.name] = int(run_ns), int(wait_ns)
