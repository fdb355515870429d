"""What is told while a run that Python began is under way: lines, or a line that changes."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchhub.api.guarded import warn
from benchhub.api.measuring import Display
from benchhub.model.cell import Cell, Skip
from benchhub.model.device import LEFT_OUT, DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.outside.masked import masked
from benchhub.run.loop.engine import Sessions
from benchhub.text import visible

#: Takes a line of progress.
Say = Callable[[str], None]
_LOG = logging.getLogger("benchhub")


class LineWatcher(Sessions):
    """Follows a run by lines: launches done of those planned, and what a device is doing."""

    def __init__(self, say: Say, cells: Sequence[Cell], finished: Mapping[str, int]) -> None:
        super().__init__()
        self._say, self._lock_lines = say, threading.Lock()
        self._total = sum(cell.launches for cell in cells)
        self._done = sum(min(finished.get(c.key, 0), c.launches) for c in cells)

    def status(self, device: str, text: str) -> None:
        """Take a line on what the device is doing."""
        with self._lock_lines:
            line = f"{self._done} of {self._total} launches; {device}: {text}"
            self._say(masked(visible(line)))

    def pushed(self, device: str, count: int) -> None:
        """Take how many more bytes were pushed; launches tell enough."""

    def launched(self, launch: Launch) -> None:
        """Count a launch that was recorded; those that a budget adds count as planned, too."""
        if launch.status == "finished":
            with self._lock_lines:
                self._done += 1
                self._total = max(self._total, self._done)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Take the backends that a device lacks; those that nobody asked for are not missed."""
        unasked = {finding.backend for finding in info.findings if finding.level == LEFT_OUT}
        for backend, why in missing.items():
            if backend not in unasked:
                self.status(info.name, f"{backend} is skipped: {why}")


def display_of(say: Say) -> Display:
    """Return what follows a run by telling lines to `say`."""

    def begins(info: RunInfo, skips: Sequence[Skip]) -> None:
        say(f"run {info.id}")

    @contextlib.contextmanager
    def watching(cells: Sequence[Cell], finished: Mapping[str, int]) -> Iterator[LineWatcher]:
        yield LineWatcher(say, cells, finished)

    return Display(begins, watching, warn)


def usual_say() -> Say:
    """Return where lines go unless somebody says: a line that changes in a notebook, else a log."""
    shell: Any = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell is not None else None
    if kernel is None or not hasattr(kernel, "kernel"):
        return _LOG.info
    from IPython.display import display  # type: ignore[import-not-found, unused-ignore]

    handle = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda line: handle.update({"text/plain": line}, raw=True)
