"""Heartbeats of all agents: one thread that keeps the time, and others only where a beat hangs.

A thread for each would be one in four of a run over many devices, and idle but once in 15 s.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

#: A beat hangs where a device takes no input; so many may, before others are late.
_MOST_HANGING = 64
#: After so long without an agent the thread ends.
_IDLE_S = 1.0


class Beat:
    """One agent's heartbeat, from `every` until it is stopped or says that it is over."""

    def __init__(self, beat: Callable[[], bool], period_s: float) -> None:
        self._beat: Callable[[], bool] | None = beat
        self.period_s = period_s
        self._busy = threading.Lock()

    @property
    def over(self) -> bool:
        """Whether no further beat will come."""
        return self._beat is None

    def stop(self) -> None:
        """Let no further beat begin."""
        self._beat = None

    def once(self) -> None:
        """Beat now, unless the last one still hangs."""
        if self._busy.acquire(blocking=False):
            try:
                beat = self._beat
                if beat is not None and not beat():
                    self.stop()
            finally:
                self._busy.release()


class _Timekeeper:
    """The thread, which runs while there is a heart."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Beat]] = []
        self._numbers = itertools.count()
        self._running = False

    def add(self, beat: Beat) -> None:
        with self._changed:
            self._push(beat)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="heartbeats", daemon=True).start()
            self._changed.notify()

    def _push(self, beat: Beat) -> None:
        at = time.monotonic() + beat.period_s
        heapq.heappush(self._due, (at, next(self._numbers), beat))

    def _run(self) -> None:
        with ThreadPoolExecutor(_MOST_HANGING, "heartbeat") as pool:
            while (beat := self._next()) is not None:
                pool.submit(beat.once)

    def _next(self) -> Beat | None:
        """Wait for the next beat that is due; None: there is no agent left."""
        with self._changed:
            while True:
                while self._due and self._due[0][2].over:
                    heapq.heappop(self._due)
                if not self._due:
                    if not self._changed.wait(_IDLE_S) and not self._due:
                        self._running = False
                        return None
                    continue
                left_s = self._due[0][0] - time.monotonic()
                if left_s <= 0:
                    beat = heapq.heappop(self._due)[2]
                    self._push(beat)
                    return beat
                self._changed.wait(left_s)


_TIMEKEEPER = _Timekeeper()


def every(period_s: float, beat: Callable[[], bool]) -> Beat:
    """Have `beat` called every `period_s`, the first time after one, while it returns True."""
    made = Beat(beat, period_s)
    _TIMEKEEPER.add(made)
    return made
