"""The results database is held by somebody else, or its server is killed."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3

from campaign.controller import AWAY_S, BUSY_S
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
        if scene.database is None and not scene.store.exists():
            return False
        told, tell = os.pipe()
        stay, self._held = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._held)
                hold = self._hold_file if scene.database is None else self._hold_table
                hold(scene, tell, stay)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(stay)
        locked = os.read(told, 1) == b"y"
        os.close(told)
        if not locked:
            self.mend(scene)
        return locked

    def _hold_file(self, scene: Scene, tell: int, stay: int) -> None:
        with contextlib.suppress(sqlite3.Error):
            database = sqlite3.connect(scene.store, timeout=0.2, isolation_level=None)
            database.execute("BEGIN IMMEDIATE")
            os.write(tell, b"y")
            os.read(stay, 1)
            database.execute("ROLLBACK")
            return
        os.write(tell, b"n")

    def _hold_table(self, scene: Scene, tell: int, stay: int) -> None:
        import psycopg

        with contextlib.suppress(psycopg.Error):
            with psycopg.connect(scene.url) as database:
                database.execute("SET lock_timeout = 200")
                database.execute("LOCK TABLE launches IN EXCLUSIVE MODE")
                os.write(tell, b"y")
                os.read(stay, 1)
            return
        os.write(tell, b"n")  # to nobody, where its server was killed meanwhile

    def mend(self, scene: Scene) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None
        if self._pid is not None:
            os.waitpid(self._pid, 0)
            self._pid = None


class Killed(Lasting):
    """The server of the results database is killed, and comes back: in time for a run, or not."""

    name = "store killed"
    of_all = True
    weight = 0.3
    codes = frozenset({2})
    lasts = (0.1, 1.6 * AWAY_S)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"postgresql"})

    def begin(self, scene: Scene) -> bool:
        assert scene.database is not None
        scene.database.server.kill()
        return True

    def ended(self, scene: Scene) -> None:
        self.mend(scene)

    def mend(self, scene: Scene) -> None:
        assert scene.database is not None
        scene.database.server.up()
