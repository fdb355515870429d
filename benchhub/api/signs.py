"""Who measures a run says so in the store while it does, and hears there that it should stop."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchhub.api.tally import DeviceTally, Tally
from benchhub.errors import DeviceError, Interrupted
from benchhub.model.cell import Cell
from benchhub.model.device import USUAL_QUEUEING, DeviceInfo, Queueing
from benchhub.model.launch import Launch, RunInfo
from benchhub.outside.masked import masked
from benchhub.run.execute import Ready, execute
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.run.loop.work import Watcher
from benchhub.store import Store
from benchhub.store.reached import Reached
from benchhub.store.watched.process import ControllerProcess
from benchhub.store.watched.signs import EVERY_S, LaneSign, Sign
from benchhub.text import abridged, visible

#: A status holds what a device said, and what it says is read again every few seconds.
_MOST_CHARS = 300
#: So long a thread that is at a store which does not answer is waited for.
_PATIENCE_S = 2.0


@contextlib.contextmanager
def telling(
    store: Store, run: str, cells: Sequence[Cell], finished: Mapping[str, int], watcher: Watcher
) -> Iterator[TellingWatcher]:
    """Yield a watcher that passes everything on to `watcher`, and says in the store what goes on.

    A request to stop that comes meanwhile stops devices as Ctrl-C does.
    """
    told = TellingWatcher(store, run, Tally(cells, finished), watcher)
    told.begin()
    try:
        yield told
    finally:
        told.end()


def executed(
    store: Store,
    run: RunInfo,
    ready: Ready,
    watcher: Watcher,
    rerun_failed: bool = False,
    queueing: Queueing = USUAL_QUEUEING,
    so_far: Reached | None = None,
    way: Way = DIRECT,
) -> dict[str, DeviceError | None]:
    """Do what `execute` does, and say in the store what goes on meanwhile."""
    finished = so_far.finished if so_far else {}
    with telling(store, run.id, ready.plan.launched, finished, watcher) as told:
        try:
            return execute(store, run, ready, told, rerun_failed, queueing, so_far, way)
        except Interrupted:
            if told.stopped_by:
                raise Interrupted(f"stopped, as {told.stopped_by} asked") from None
            raise


@dataclass(frozen=True, slots=True)
class LaunchSeen:
    """When a device's last launch began (ISO 8601), and how the device was after it."""

    at: str | None = None
    temperature_c: float | None = None
    load_1m: float | None = None


class TellingWatcher:
    """A watcher that tells the store every few seconds what devices are at; see `telling`."""

    def __init__(self, store: Store, run: str, tally: Tally, watcher: Watcher) -> None:
        self._store, self._run, self._tally, self._watcher = store, run, tally, watcher
        self._process = ControllerProcess.this()
        self._seen: dict[str, LaunchSeen] = {}
        self._settled: dict[str, int] = {}
        self._over = threading.Event()
        self._before = store.signs.asked_to_stop(run)
        self._thread = threading.Thread(target=self._tell, name="signs", daemon=True)
        self.stopping, self.stop = watcher.stopping, watcher.stop
        self.connected = watcher.connected
        #: By whom it was asked to stop; empty: by nobody.
        self.stopped_by = ""

    def begin(self) -> None:
        """Give the first sign, and others from now on."""
        self._give()
        self._thread.start()

    def end(self) -> None:
        """Give no signs any more."""
        self._over.set()
        self._thread.join(_PATIENCE_S)

    def status(self, device: str, text: str) -> None:
        """Take a line on what the device is doing."""
        self._tally.status(device, text)
        self._watcher.status(device, text)

    def pushed(self, device: str, count: int) -> None:
        """Take how many more bytes were pushed."""
        self._tally.pushed(device, count)
        self._watcher.pushed(device, count)

    def launched(self, launch: Launch) -> None:
        """Take a launch that was recorded."""
        self._tally.launched(launch)
        told = launch.after or launch.before
        self._seen[launch.cell.device] = LaunchSeen(
            launch.started_at, *((told.temperature_c, told.load_1m) if told else (None, None))
        )
        self._watcher.launched(launch)

    def spared(self, device: str, cells: Collection[str]) -> None:
        """Take the cells whose launches that are left will not be made."""
        self._tally.spare(device, cells)
        self._settled[device] = self._settled.get(device, 0) + len(cells)
        self._watcher.spared(device, cells)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Take the device's facts, and the backends it lacks with the reason."""
        self._tally.drop(info.name, missing)
        self._watcher.known(info, missing)

    def _tell(self) -> None:
        while not self._over.wait(EVERY_S):
            self._give()
            asked = self._store.signs.asked_to_stop(self._run)
            if asked is not None and asked != self._before and not self.stopped_by:
                self.stopped_by = asked.by or "somebody"
                self._watcher.stop()

    def _give(self) -> None:
        now, now_s = datetime.now(UTC), time.monotonic()
        with self._tally.lock:
            devices = [dataclasses.replace(one) for one in self._tally.devices.values()]
        lanes = tuple(self._lane(one, now, now_s) for one in devices)
        of = self._process
        sign = Sign(
            at=now.isoformat(timespec="milliseconds"), host=of.host, space=of.space, pid=of.pid,
            began_s=of.began_s, stopping=bool(self.stopped_by) or self.stopping(), lanes=lanes,
        )  # fmt: skip
        self._store.signs.put(self._run, sign)

    def _lane(self, of: DeviceTally, now: datetime, now_s: float) -> LaneSign:
        last = self._seen.get(of.name, LaunchSeen())
        since = now - timedelta(seconds=now_s - of.since_s) if of.since_s else now
        return LaneSign(
            device=of.name,
            planned=of.planned,
            done=of.done,
            cells=of.cells,
            cells_done=of.cells_done,
            settled=self._settled.get(of.name, 0),
            state=of.state.value,
            doing=_shown(of.doing),
            since=since.isoformat(timespec="seconds"),
            left_s=of.left_s(now_s),
            temperature_c=last.temperature_c,
            load_1m=last.load_1m,
            launched_at=last.at,
        )


@functools.lru_cache(maxsize=1 << 12)  # of a thousand devices most say what they said before
def _shown(text: str) -> str:
    return abridged(masked(visible(text)), _MOST_CHARS)
