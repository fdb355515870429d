"""What the store says at one moment of all that pages show without computing; read in one go."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from benchhub.errors import BenchhubError
from benchhub.model.device import DeviceInfo, Reservation
from benchhub.serve.standing import StandingTold, standing
from benchhub.store import Store
from benchhub.store.devices.quarantine import Quarantined
from benchhub.store.watched.listing import ListedRun, ListedSelftest, mark
from benchhub.store.watched.signs import EVERY_S, MISSED, LaneSign, Sign
from benchhub.text import instant

#: So long what devices say of themselves is not read again.
_DEVICES_S = 5.0


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that the store has as running, its last sign if there is one, and how it stands."""

    run: ListedRun
    sign: Sign | None
    told: StandingTold
    last_launch: str | None

    @property
    def lanes(self) -> tuple[LaneSign, ...]:
        """Its devices, as of the last sign."""
        return self.sign.lanes if self.sign else ()


@dataclass(frozen=True)
class Snapshot:
    """The store as it is since a time (ISO 8601, UTC); `number` grows with whatever may be shown.

    `problem`: why it could not be read again since.
    """

    number: int = 0
    at: str = ""
    runs: tuple[ListedRun, ...] = ()
    open: tuple[OpenRun, ...] = ()
    quarantine: Mapping[str, Quarantined] = field(default_factory=dict)
    reservations: tuple[Reservation, ...] = ()
    selftests: Mapping[str, ListedSelftest] = field(default_factory=dict)
    problem: str = ""

    @cached_property
    def by_id(self) -> dict[str, ListedRun]:
        """The runs by their ids."""
        return {run.id: run for run in self.runs}

    @cached_property
    def open_by_id(self) -> dict[str, OpenRun]:
        """Those that the store has as running, by their ids."""
        return {one.run.id: one for one in self.open}


class SnapshotReader:
    """Reads snapshots from one thread at a time, and nothing that did not change."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._mark: tuple[object, ...] | None = None
        self._last = Snapshot()
        self._heard: dict[str, tuple[str, float]] = {}
        self._devices: tuple[float, dict[str, str]] = (-_DEVICES_S, {})

    def read(self) -> Snapshot:
        """Return the store as it is now: the last snapshot, if nothing is otherwise."""
        last = self._last
        try:
            now = mark(self.store.engine)
            if now != self._mark or last.problem:
                found = self._read(last)
                self._mark = now
            else:
                found = dataclasses.replace(last, open=self._open(last.runs, last))
        except BenchhubError as error:
            found = dataclasses.replace(last, problem=str(error))
        if found != last or not last.at:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._last = dataclasses.replace(found, number=last.number + 1, at=at)
        return self._last

    def _read(self, last: Snapshot) -> Snapshot:
        store, runs = self.store, self.store.listing.runs()
        return Snapshot(
            number=last.number,
            runs=last.runs if runs == last.runs else runs,
            open=self._open(runs, None),
            quarantine=store.quarantine.all(),
            reservations=store.reservations.coming(),
            selftests=store.listing.selftests(),
        )

    def _open(self, runs: Iterable[ListedRun], last: Snapshot | None) -> tuple[OpenRun, ...]:
        """Return the runs that are under way; those of `last` were read when it was made."""
        running = [run for run in runs if run.status == "running"]
        known = last.open_by_id if last else {}
        signs = {} if last else self.store.signs.of(run.id for run in running)
        found = []
        for run in running:
            before = known.get(run.id)
            sign = before.sign if before else signs.get(run.id)
            at = before.last_launch if before else self.store.listing.last_launch(run.id)
            gone = sign.process.is_gone() if sign else None
            heard = sign is not None and self._is_heard(run.id, sign, gone is False)
            told = standing(sign, heard, gone)
            found.append(OpenRun(run, sign, told, at))
        return tuple(found)

    def _is_heard(self, run: str, sign: Sign, lives: bool) -> bool:
        """Return whether a sign came lately: by this machine's clock, whatever the other's says.

        How old the first one is, that is seen of a run, no clock tells that is sure to go right: of
        a process that `lives` it is new, of others as the two clocks have it.
        """
        now_s = time.monotonic()
        if self._heard.get(run, ("", 0.0))[0] != sign.at:
            age_s = (datetime.now(UTC) - instant(sign.at)).total_seconds()
            first = run not in self._heard and not lives
            self._heard[run] = sign.at, now_s - (max(0.0, age_s) if first else 0.0)
        return now_s - self._heard[run][1] < EVERY_S * MISSED

    def device_runs(self) -> dict[str, str]:
        """Return the newest run that has each device, by its name."""
        read_s, found = self._devices
        if time.monotonic() - read_s >= _DEVICES_S:
            order = {run.id: at for at, run in enumerate(self._last.runs)}
            far = len(order)
            found = {
                name: min(runs, key=lambda run: order.get(run, far))
                for name, runs in self.store.listing.devices().items()
            }
            self._devices = time.monotonic(), found
        return found

    def device(self, name: str) -> tuple[str, DeviceInfo | None]:
        """Return the newest run that has a device, and what it said of itself there."""
        run = self.device_runs().get(name, "")
        return run, self.store.listing.device(run, name) if run else None
