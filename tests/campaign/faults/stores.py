"""The results database is held by somebody else."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3

from campaign.controller import BUSY_S
from campaign.fault import Lasting
from campaign.scene import Scene
from campaign.site import Kind


class Locked(Lasting):
    """Another program has begun to write, and takes its time: shorter than is waited, or longer."""

    name = "store locked"
    of_all = True
    weight = 1.5
    codes = frozenset({2})
    lasts = (0.1, 1.6 * BUSY_S)

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self._pid: int | None = None
        self._held: int | None = None

    def begin(self, scene: Scene) -> bool:
        if not scene.store.exists():
            return False
        told, tell = os.pipe()
        stay, self._held = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._held)
                self._hold(str(scene.store), tell, stay)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(stay)
        locked = os.read(told, 1) == b"y"
        os.close(told)
        if not locked:
            self.mend(scene)
        return locked

    def _hold(self, store: str, tell: int, stay: int) -> None:
        with contextlib.suppress(sqlite3.Error):
            database = sqlite3.connect(store, timeout=0.2, isolation_level=None)
            database.execute("BEGIN IMMEDIATE")
            os.write(tell, b"y")
            os.read(stay, 1)
            database.execute("ROLLBACK")
            return
        os.write(tell, b"n")

    def mend(self, scene: Scene) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None
        if self._pid is not None:
            os.waitpid(self._pid, 0)
            self._pid = None


class Killed(Lasting):
    """The server of the results database is killed; a file has none."""

    name = "store killed"
    of_all = True
    weight = 0.3

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"postgresql"})

    def begin(self, scene: Scene) -> bool:
        raise NotImplementedError("scenarios keep their results in a file")
