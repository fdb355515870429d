"""What is told while a run that Python began is under way: lines, or a line that changes."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from benchhub.api.firsts import FEW_DEVICES, Firsts
from benchhub.api.guarded import warn
from benchhub.api.measuring import Display
from benchhub.api.tally import TROUBLED, DeviceState, Tally, told
from benchhub.model.cell import Cell, Skip
from benchhub.model.device import LEFT_OUT, DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.outside.masked import masked
from benchhub.run.loop.engine import Sessions
from benchhub.text import visible

#: Of many devices a line on all of them comes about this often.
OF_ALL_EVERY_S = 5.0
#: Takes a line of progress.
Say = Callable[[str], None]
_LOG = logging.getLogger("benchhub")


class LineWatcher(Sessions):
    """Follows a run by lines: launches done of those planned, and what devices are doing.

    Of few devices each line that changes; of many the first of each kind, and now and then one on
    all of them.
    """

    def __init__(self, say: Say, cells: Sequence[Cell], finished: Mapping[str, int]) -> None:
        super().__init__()
        self._say, self._lock_lines = say, threading.Lock()
        self._tally = Tally(cells, finished)
        self._many = len(self._tally.devices) > FEW_DEVICES
        self._firsts = Firsts(len(self._tally.devices))
        self._told_s = time.monotonic()

    def status(self, device: str, text: str) -> None:
        """Take a line on what the device is doing."""
        state = self._tally.status(device, text)
        measuring = self._many and state is DeviceState.MEASURING
        if not measuring and self._firsts.in_full(device, text, counted=state in TROUBLED):
            self._tell(f"; {device}: {text}")
        elif time.monotonic() - self._told_s >= OF_ALL_EVERY_S:
            self._told_s = time.monotonic()
            for line in (told(self._tally.counted()), *self._firsts.more()):
                self._put(line)

    def pushed(self, device: str, count: int) -> None:
        """Take how many more bytes were pushed; launches tell enough."""

    def launched(self, launch: Launch) -> None:
        """Count a launch that was recorded; those that a budget adds count as planned, too."""
        self._tally.launched(launch)

    def spared(self, device: str, cells: Collection[str]) -> None:
        """Count what will not be launched no longer."""
        self._tally.spare(device, cells)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Take the backends that a device lacks; those that nobody asked for are not missed."""
        unasked = {finding.backend for finding in info.findings if finding.level == LEFT_OUT}
        for backend, why in missing.items():
            text = f"{backend} is skipped: {why}"
            if backend not in unasked and self._firsts.in_full(info.name, text):
                self._tell(f"; {info.name}: {text}")
        self._tally.drop(info.name, missing)

    def _tell(self, rest: str) -> None:
        counted = self._tally.counted()
        self._put(f"{counted.done} of {counted.planned} launches{rest}")

    def _put(self, line: str) -> None:
        with self._lock_lines:
            self._say(masked(visible(line)))


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
