"""Signs of life of whoever measures a run, written every few seconds while it does; and the request
to stop.

They lie among the run's summaries and go with it, so that earlier versions open the store, too. A
run of one of these has no signs: whether anybody measures it cannot be told then.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable

from benchhub.store.stored.record import Misfit, Part, Record, parsed, written
from benchhub.store.summaries import Summaries, Summary
from benchhub.store.watched.process import ControllerProcess
from benchhub.text import all_visible

#: Between two signs.
EVERY_S = 5.0
#: Who was not heard for so many times that long is not said to be at work.
MISSED = 6
_KIND, _SIGN, _STOP = "controller", "sign", "stop"


class LaneSign(Part):
    """What one device of a run is at; times are ISO 8601 by the controller's clock.

    `planned` and `done` count launches, `settled` cells that needed fewer than planned. `left_s` is
    about how long the rest takes. Temperature and load are those after its last launch here.
    """

    device: str
    planned: int
    done: int
    cells: int
    cells_done: int
    settled: int
    state: str
    doing: str
    since: str
    left_s: float | None = None
    temperature_c: float | None = None
    load_1m: float | None = None
    launched_at: str | None = None


class Sign(Record):
    """That a controller was at work on a run at a time, and on what."""

    at: str
    host: str
    space: str
    pid: int
    began_s: float
    stopping: bool = False
    lanes: tuple[LaneSign, ...] = ()

    @property
    def process(self) -> ControllerProcess:
        """Whose it is."""
        return ControllerProcess(self.host, self.space, self.pid, self.began_s)


class StopRequest(Record):
    """That somebody asked, at a time, for a run to be stopped as by Ctrl-C."""

    at: str
    by: str


class Signs:
    """The signs of a store's runs; see `Store.signs`."""

    def __init__(self, summaries: Summaries) -> None:
        self._summaries = summaries

    def put(self, run: str, sign: Sign) -> bool:
        """Keep a sign in place of the last; False: it could not be, and the next one will."""
        return self._summaries.keep(run, _KIND, {_SIGN: _summary(sign, sign.at)})

    def of(self, runs: Iterable[str]) -> dict[str, Sign]:
        """Return the last sign of each run that has one which can be read."""
        found = {}
        for run in runs:
            kept = self._summaries.of(run, _KIND).get(_SIGN)
            with contextlib.suppress(Misfit, ValueError):
                if kept is not None:
                    found[run] = parsed("sign", all_visible(json.loads(kept.data)), Sign)
        return found

    def ask_to_stop(self, run: str, request: StopRequest) -> bool:
        """Ask for a run to be stopped; its controller reads it with its next sign. False: the store
        is in use, or cannot be written."""
        return self._summaries.keep(run, _KIND, {_STOP: _summary(request, request.at)})

    def asked_to_stop(self, run: str) -> StopRequest | None:
        """Return the last request to stop a run, be it one that was met long ago."""
        kept = self._summaries.of(run, _KIND).get(_STOP)
        with contextlib.suppress(Misfit, ValueError):
            if kept is not None:
                return parsed("request", all_visible(json.loads(kept.data)), StopRequest)
        return None


def _summary(record: Record, at: str) -> Summary:
    return Summary(at, json.dumps(written(record)).encode())
