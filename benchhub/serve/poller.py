"""One look at the store for all who watch: once a second while there are any."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from benchhub.serve.snapshot import Snapshot, SnapshotReader

T = TypeVar("T")
EVERY_S = 1.0
#: Whoever asks for a page is shown what was read within so long.
_FRESH_S = 0.5


class Poller:
    """The newest snapshot, and whoever waits for the next one."""

    def __init__(self, reader: SnapshotReader) -> None:
        self.reader = reader
        self.snapshot = Snapshot()
        self.watchers = 0
        self.over = False
        self._read_s = -_FRESH_S
        #: Of the store: SQLite has one file, and pages are short.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._reading = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._watched = asyncio.Event()

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Do what reads the store, in the thread that does so."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    async def now(self) -> Snapshot:
        """Return the store as it is, or was half a second ago."""
        async with self._reading:
            if time.monotonic() - self._read_s >= _FRESH_S:
                before = self.snapshot.number
                self.snapshot = await self.run(self.reader.read)
                self._read_s = time.monotonic()
                if self.snapshot.number != before:
                    async with self._changed:
                        self._changed.notify_all()
        return self.snapshot

    async def poll(self) -> None:
        """Look while anybody watches, until it is cancelled."""
        while True:
            await self._watched.wait()
            with contextlib.suppress(Exception):  # it is told to whoever asks for a page
                await self.now()
            await asyncio.sleep(EVERY_S)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Count one who watches."""
        self.watchers += 1
        self._watched.set()
        try:
            yield
        finally:
            self.watchers -= 1
            if not self.watchers:
                self._watched.clear()

    async def after(self, number: int, most_s: float) -> Snapshot:
        """Return the snapshot once it is another than that with a number, or after so long."""
        async with self._changed:
            try:
                async with asyncio.timeout(most_s):
                    await self._changed.wait_for(
                        lambda: self.over or self.snapshot.number != number
                    )
            except TimeoutError:
                pass
        return self.snapshot

    async def end(self) -> None:
        """Let all go who watch."""
        self.over = True
        async with self._changed:
            self._changed.notify_all()
        self._thread.shutdown(wait=False, cancel_futures=True)
