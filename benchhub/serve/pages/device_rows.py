"""What is known of devices beside what they measured; what is not known is said to be unknown."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchhub.errors import StoreError
from benchhub.model.device import UNKNOWN, DeviceInfo, Reservation
from benchhub.serve.snapshot import Snapshot
from benchhub.store.devices.quarantine import Quarantined
from benchhub.store.watched.listing import ListedSelftest

if TYPE_CHECKING:
    from benchhub.serve.site import WebPages

#: The levels of findings, the worst first.
_LEVELS = ("refuse", "warn", UNKNOWN)
_HOLDS = ("measuring", "cooling", "starting", "lost")
#: What was read of devices, by run and name, and when.
_KEPT: OrderedDict[tuple[str, str], tuple[float, DeviceHealth]] = OrderedDict()
_MOST_KEPT, _FRESH_S = 3000, 30.0


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """What the checks of a device found in its newest run, in a word and a line."""

    level: str
    words: str
    emulated: bool = False


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device in a list. `holder` is a run at work on it, `doing` what; `waiting` runs wait."""

    name: str
    run: str
    health: DeviceHealth
    quarantine: Quarantined | None
    selftest: ListedSelftest | None
    reservations: tuple[Reservation, ...]
    holder: str
    doing: str
    waiting: tuple[str, ...]


def device_rows(site: WebPages, snapshot: Snapshot, names: Iterable[str]) -> list[DeviceRow]:
    """Return what is known of devices, in the order in which they are named."""
    reader = site.poller.reader
    runs = reader.device_runs()
    lanes: dict[str, list[tuple[str, str, str]]] = {}
    for one in snapshot.open:
        for lane in one.lanes if one.told.goes_on else ():
            lanes.setdefault(lane.device, []).append((one.run.id, lane.state, lane.doing))
    rows = []
    for name in names:
        mine = lanes.get(name, [])
        holder = next((of for of in mine if of[1] in _HOLDS), ("", "", ""))
        rows.append(
            DeviceRow(
                name, runs.get(name, ""), _health(site, snapshot, name),
                snapshot.quarantine.get(name), snapshot.selftests.get(name),
                tuple(one for one in snapshot.reservations if one.device == name),
                holder[0], holder[2], tuple(run for run, state, _ in mine if state == "waiting"),
            )
        )  # fmt: skip
    return rows


def _health(site: WebPages, snapshot: Snapshot, name: str) -> DeviceHealth:
    reader = site.poller.reader
    run = reader.device_runs().get(name, "")
    if not run:
        return DeviceHealth(UNKNOWN, "no run of this store has checked it")
    kept = _KEPT.get((run, name))
    ended = run not in snapshot.open_by_id
    if kept is not None and (ended or time.monotonic() - kept[0] < _FRESH_S):
        return kept[1]
    try:
        found = health_of(reader.store.listing.device(run, name))
    except StoreError as error:
        return DeviceHealth(UNKNOWN, str(error))
    _KEPT[run, name] = time.monotonic(), found
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return found


def health_of(info: DeviceInfo | None) -> DeviceHealth:
    """Return the worst of what a device's checks found."""
    if info is None:
        return DeviceHealth(UNKNOWN, "its record is gone")
    if info.error:
        return DeviceHealth("stopped early", info.error, info.emulated)
    worst = next((lv for lv in _LEVELS if any(f.level == lv for f in info.findings)), "")
    if not worst:
        level = "ok" if info.findings else UNKNOWN
        return DeviceHealth(level, "" if info.findings else "no check is recorded", info.emulated)
    of = [finding for finding in info.findings if finding.level == worst]
    more = f" (and {len(of) - 1} more)" if len(of) > 1 else ""
    return DeviceHealth(worst, f"{of[0].check}: {of[0].found}{more}", info.emulated)
