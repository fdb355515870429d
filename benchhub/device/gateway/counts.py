"""What happens at a gateway, counted for whoever watches it."""

from __future__ import annotations

import threading
from collections import Counter

from benchhub.ondevice.wire import Outcome


class Counts:
    """Counts since the gateway began; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Launches by (device, status), and those that failed by (stage, kind).
        self.launches: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        #: Why sessions could not be opened or went on no more, by the error's name.
        self.errors: Counter[str] = Counter()
        self.pushed_bytes = 0

    def launched(self, device: str, outcome: Outcome) -> None:
        """Count a launch that ended."""
        with self._lock:
            self.launches[device, outcome.status] += 1
            if outcome.failure is not None:
                self.failures[outcome.failure.stage, outcome.failure.kind] += 1

    def cut_short(self, device: str) -> None:
        """Count a launch that the link, the device or the caller cut short."""
        with self._lock:
            self.launches[device, "interrupted"] += 1

    def failed(self, error: Exception) -> None:
        """Count what a device or the link to it did."""
        with self._lock:
            self.errors[type(error).__name__] += 1

    def pushed(self, count: int) -> None:
        """Count bytes that reached a device."""
        with self._lock:
            self.pushed_bytes += count
