"""The PostgreSQL server of a campaign, which every scenario can kill and have back."""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from typing import Any

from postgresql.cluster import PASSWORD, Cluster


class _Kept:
    """The cluster, within the process that its server is a child of."""

    def __init__(self) -> None:
        self._cluster = Cluster().__enter__()

    def url(self, database: str) -> str:
        return self._cluster.url(database, password=PASSWORD)

    def up(self) -> None:
        process = self._cluster.process
        if process is None or process.poll() is not None:
            self._cluster.start()

    def kill(self) -> None:
        self._cluster.stop(signal.SIGKILL)

    def remove(self) -> None:
        self._cluster.remove()


_all: list[_Kept] = []


def _kept() -> _Kept:
    if not _all:
        _all.append(_Kept())
    return _all[0]


class _Keeper(BaseManager):
    """A process that starts the cluster, and outlives scenarios that are killed themselves."""


_Keeper.register("kept", _kept, exposed=("url", "up", "kill", "remove"))


@dataclass(frozen=True)
class Server:
    """The server, from any process that was forked of the one that started it."""

    keeper: _Keeper

    @classmethod
    def started(cls) -> Server:
        """Make the cluster, and start its server."""
        keeper = _Keeper(ctx=multiprocessing.get_context("fork"))
        keeper.start()
        server = cls(keeper)
        try:
            server.up()
        except BaseException:
            keeper.shutdown()
            raise
        return server

    def url(self, database: str) -> str:
        """Return the URL of a database, with its password."""
        return str(self._there().url(database))

    def up(self) -> None:
        """Have it running and answering, as it was or again."""
        self._there().up()

    def kill(self) -> None:
        """Kill it and all its processes, without a word to anybody."""
        self._there().kill()

    def remove(self) -> None:
        """End it, and delete its data."""
        self._there().remove()
        self.keeper.shutdown()

    def _there(self) -> Any:
        # A connection of its own: one that was forked with the process is another's.
        told = _Keeper(self.keeper.address, multiprocessing.current_process().authkey)
        told.connect()
        return told.kept()  # type: ignore[attr-defined]
