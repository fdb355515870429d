"""The parts of pages that change by themselves: each a list of named pieces of HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchhub.serve.pages.device_rows import device_rows
from benchhub.serve.parting import paged, part_id
from benchhub.serve.snapshot import OpenRun, Snapshot
from benchhub.store.watched.listing import ListedRun
from benchhub.store.watched.signs import LaneSign

if TYPE_CHECKING:
    from benchhub.serve.site import WebPages

#: Lanes of one run on the first page; and runs there that nobody is known to measure, and theirs.
MOST_LANES, MOST_OTHERS = 20, 5
_TROUBLED = {"lost": 0, "stopped": 1, "cooling": 2}


@dataclass(frozen=True, slots=True)
class View:
    """A live part of a page: `pieces` of HTML by id, in their order, and what stands beside them.

    `pages` is how many pages the list has, `count` how much is in it.
    """

    pieces: Mapping[str, str]
    pages: int = 1
    count: int = 0
    left: int = 0


def view(site: WebPages, snapshot: Snapshot, kind: str, page: int, words: str) -> View:
    """Return a live part as it is in a snapshot; KeyError: there is no such kind.

    It is drawn once for all who watch it.
    """
    key = (snapshot.number, kind, page, words)
    if key not in site.drawn:
        if any(number != snapshot.number for number, *_ in site.drawn) or len(site.drawn) > 64:
            site.drawn.clear()
        site.drawn[key] = VIEWS[kind](site, snapshot, page, words)
    found: View = site.drawn[key]
    return found


def _home(site: WebPages, snapshot: Snapshot, _page: int, _words: str) -> View:
    pieces: dict[str, str] = {}
    going = [one for one in snapshot.open if one.told.goes_on]
    others = [one for one in snapshot.open if not one.told.goes_on]
    for one in (*going, *others[:MOST_OTHERS]):
        pieces[part_id("run", one.run.id)] = site.macros.open_run(one)
        lanes = _by_trouble(one.lanes)
        most = MOST_LANES if one.told.goes_on else MOST_OTHERS
        for lane in lanes[:most]:
            pieces[part_id("lane", f"{one.run.id} {lane.device}")] = site.macros.lane(lane, one)
        if len(lanes) > most:
            pieces[part_id("more", one.run.id)] = site.macros.more_lanes(one, len(lanes) - most)
    if len(others) > MOST_OTHERS:
        pieces[part_id("more", "")] = site.macros.more_runs(len(others) - MOST_OTHERS)
    return View(pieces, count=len(snapshot.open))


def _run(site: WebPages, snapshot: Snapshot, page: int, run: str) -> View:
    one = snapshot.open_by_id.get(run)
    if one is None:
        listed = snapshot.by_id.get(run)
        return View({part_id("run", run): site.macros.ended_run(listed)})
    pieces = {part_id("run", run): site.macros.open_run(one)}
    shown, pages = paged(_by_trouble(one.lanes), page)
    for lane in shown:
        pieces[part_id("lane", f"{run} {lane.device}")] = site.macros.lane(lane, one)
    return View(pieces, pages, len(one.lanes))


def _runs(site: WebPages, snapshot: Snapshot, page: int, words: str) -> View:
    found = [run for run in snapshot.runs if matches(run, words)]
    shown, pages = paged(found, page)
    pieces = {
        part_id("row", run.id): site.macros.run_row(run, snapshot.open_by_id.get(run.id))
        for run in shown
    }
    return View(pieces, pages, len(found))


def _devices(site: WebPages, snapshot: Snapshot, page: int, words: str) -> View:
    names = [name for name in known_devices(site, snapshot) if words.lower() in name.lower()]
    shown, pages = paged(names, page)
    rows = device_rows(site, snapshot, shown)
    pieces = {part_id("device", row.name): site.macros.device_row(row) for row in rows}
    return View(pieces, pages, len(names))


#: By the name that a page asks for it.
VIEWS: Mapping[str, Callable[[WebPages, Snapshot, int, str], View]] = {
    "home": _home,
    "run": _run,
    "runs": _runs,
    "devices": _devices,
}


def known_devices(site: WebPages, snapshot: Snapshot) -> list[str]:
    """Return all devices that the store tells anything of, those that need somebody first."""
    names = dict.fromkeys(snapshot.quarantine)
    names |= dict.fromkeys(lane.device for one in snapshot.open for lane in one.lanes)
    names |= dict.fromkeys(one.device for one in snapshot.reservations)
    others = {*site.poller.reader.device_runs(), *snapshot.selftests}
    names |= dict.fromkeys(sorted(others))
    return list(names)


def matches(run: ListedRun, words: str) -> bool:
    """Return whether a run is one that is looked for by its id, suite, task or status."""
    low = words.lower()
    return not low or any(low in text.lower() for text in (run.id, run.suite, run.task, run.status))


def _by_trouble(lanes: Iterable[LaneSign]) -> list[LaneSign]:
    """Return lanes, those first that somebody should look at, the others by name."""
    return sorted(lanes, key=lambda one: (_TROUBLED.get(one.state, len(_TROUBLED)), one.device))


def runs_with(snapshot: Snapshot, device: str) -> list[tuple[OpenRun, LaneSign]]:
    """Return the runs under way that have a device, and what it is at there."""
    return [(one, lane) for one in snapshot.open for lane in one.lanes if lane.device == device]
