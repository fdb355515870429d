"""Waiting for a device's turn, from the controller: for how long, and what is said meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from benchhub.device.turns.queue import Asking, Queue, Queued, in_words, without_us
from benchhub.errors import DeviceBusy
from benchhub.model.device import DeviceProfile

#: How long an agent of ours whose link broke may take to notice, and to let go of the lease.
_OWN_LEASE_S = 90.0


class StaleAgent(Exception):
    """An agent of this very run has the device: its link broke, and nobody can let it go."""


class Turn:
    """One wait for a device; `on_wait` hears what it is for, whenever that changes."""

    def __init__(
        self,
        profile: DeviceProfile,
        asking: Asking,
        holder: Mapping[str, Any],
        own_run: str | None,
        on_wait: Callable[[str], None],
    ) -> None:
        self._name = profile.name
        self._asking = asking
        self._holder = holder
        self._own_run = own_run
        self._on_wait = on_wait
        wait_s = asking.queueing.wait_s
        self._patience_s = profile.lease_wait_s if wait_s is None else wait_s
        self._began = time.monotonic()
        self._evict = 0
        self._of_ours: int | None = None
        self._said = ""
        self._queue = Queue()

    def asks(self) -> dict[str, Any]:
        """Return how the agent is to ask for the device now."""
        return {**self._asking.told(self._left_s() > 0), "evict": self._evict}

    def hear(self, queue: Queue | None) -> None:
        """Take the queue as it is, None: as it was; DeviceBusy once the time is up.

        StaleAgent where an agent of ours is to be ended first.
        """
        if queue is not None:
            self._queue = queue
            self._find_ours(queue)
        if self._left_s() <= 0:
            self.refused(self._queue)
        if queue is not None:
            self._said = f"{self._name}: {self._words(queue)}"
        # Said again every time: whoever listens may want to stop waiting.
        self._on_wait(self._said)

    def refused(self, queue: Queue) -> None:
        """Raise DeviceBusy; or return, where it is worth asking again."""
        try:
            ours = self._find_ours(queue)
        except StaleAgent:
            return
        waited_s = time.monotonic() - self._began
        if ours:
            raise DeviceBusy(
                f"{self._name}: an agent of this very run does not let go after"
                f" {waited_s:.0f} s; end process {self._of_ours or 'unknown'} on it"
            )
        after = f" after waiting {waited_s:.0f} s" if self._patience_s else ""
        raise DeviceBusy(
            f"{self._name}: {self._words(without_us(queue))}{after}; try again later, or wait for"
            " it with a longer --wait-at-most, or lease_wait_s in its profile"
        )

    def _left_s(self) -> float:
        return self._patience_s - (time.monotonic() - self._began)

    def _words(self, queue: Queue) -> str:
        return in_words(queue, datetime.now().astimezone()) or "in use by another controller"

    def _find_ours(self, queue: Queue) -> bool:
        """Return whether an agent of ours holds the device; StaleAgent once for each process."""
        holder = queue.holder
        if holder is None or holder.mine or not self._is_ours(holder):
            return False
        agent = holder.agent or 0
        if self._of_ours != agent:
            self._of_ours = self._evict = agent
            self._patience_s = max(self._patience_s, _OWN_LEASE_S)
            self._on_wait(f"{self._name}: {self._words(queue)}")
            raise StaleAgent
        return True

    def _is_ours(self, theirs: Queued) -> bool:
        if theirs.account is not None or self._own_run is None:
            return False  # another account's agent says whatever it likes
        if theirs.run != self._own_run or theirs.host != self._holder.get("host"):
            return False
        pid = theirs.pid
        # A controller that was killed can no longer let go; its agent will notice, as ours would.
        return pid == self._holder.get("pid") or (pid is not None and not is_alive(pid))


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as another user
    return True
