"""`benchhub devices queue`: who measures on devices, who waits, and for whom they are reserved."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from benchhub.device.turns.queue import Queue
    from benchhub.model.device import DeviceProfile, Reservation

#: So many devices are asked at once: sshd starts to refuse at ten.
_AT_ONCE = 8


def queue(
    device: list[str] = typer.Argument(
        None, metavar="[DEVICE]...", help="Names, groups, 'rack1-*', label=KEY:VALUE (default: all)"
    ),
    exclude: list[str] = project.EXCLUDE,
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Show who measures on devices, who waits in which order, and why; nothing is started there.

    Exit 3 where one of them cannot be asked.
    """
    from concurrent.futures import ThreadPoolExecutor
    from datetime import datetime

    from benchhub.cli.devices.reserve import coming

    profiles = _profiles(device or (), exclude)
    stored, now = coming(store)
    with ThreadPoolExecutor(_AT_ONCE) as asking:
        answers = list(asking.map(lambda one: _look(one, now, stored), profiles))
    here = datetime.now().astimezone()
    found = {p.name: one for p, one in zip(profiles, answers, strict=True)}
    if json:
        typer.echo(jsonlib.dumps({name: _plain(one) for name, one in found.items()}, indent=2))
    else:
        _show({name: one for name, one in found.items() if not isinstance(one, str)}, here)
    troubles = [one for one in answers if isinstance(one, str)]
    for trouble in troubles:
        project.problem(trouble)
    raise typer.Exit(3 if troubles else 0)


def _profiles(words: Sequence[str], exclude: Sequence[str]) -> list[DeviceProfile]:
    from benchhub.config.catalogue import TEMPLATE_HOST, check_own
    from benchhub.config.fleet.chosen import Choice, places, profiles

    choice = Choice(tuple(words or "*"), tuple(exclude))
    found = profiles(places(choice, project.folder()))
    if not words:
        return [one for one in found if one.host != TEMPLATE_HOST]
    for one in found:
        check_own(one.name, one.host)
    return list(found)


def _look(profile: DeviceProfile, now: datetime, stored: Sequence[Reservation]) -> Queue | str:
    """Return a device's queue, or why it cannot be told."""
    from benchhub.device.turns.look import connected
    from benchhub.errors import DeviceError
    from benchhub.outside.faults import of_device

    mine = [one for one in stored if one.device == profile.name]
    try:
        with of_device(profile.name):
            return connected(profile, now, mine)
    except DeviceError as error:
        return str(error)


def _plain(found: Queue | str) -> dict[str, Any]:
    from benchhub.report.plain import plain

    if isinstance(found, str):
        return {"error": found}
    holder = found.holder
    return {
        "measures": None if holder is None else plain(holder),
        "waits": [plain(one) for one in found.standings if not one.holds],
        "reserved": [plain(one) for one in found.kept],
    }


def _show(found: dict[str, Queue], now: datetime) -> None:
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.table import print_table
    from benchhub.device.turns.queue import clock, span
    from benchhub.ondevice.wire import WAITS
    from benchhub.report.tables.table import Column, listing

    body: list[tuple[str, ...]] = []
    for name, queue in found.items():
        place = 0
        for one in queue.standings:
            place += not one.holds
            since = "" if one.for_s is None else clock(now, -one.for_s)
            until = "" if one.left_s is None else f"about {clock(now, one.left_s)}"
            if one.left_s is not None:
                until += f" ({span(one.left_s)})" if one.left_s >= 1 else " (due)"
            does = "measures" if one.holds else f"waits, {place}."
            who = f"{one.user}@{one.host}" + (f" ({one.account})" if one.account else "")
            priority = str(one.priority) if one.priority else ""
            why = WAITS.get(one.why, "")
            body.append((name, does, who, one.run, since, until, priority, why))
        for kept in queue.kept:
            begins, ends = clock(now, kept.starts_s), clock(now, kept.ends_s)
            who = f"{kept.user}@{kept.host}"
            body.append((name, "reserved", who, kept.id, begins, ends, "", ""))
        if not queue.standings and not queue.kept:
            body.append((name, "free", "", "", "", "", "", ""))
    ranks = {
        "device": 0, "state": 0, "who": 0, "run": 4, "since": 3, "until": 1, "priority": 5,
        "why": 2,
    }  # fmt: skip
    heads = [Column(head, rank=rank) for head, rank in ranks.items()]
    print_table(stdout(), listing("queue", "Queue", heads, body), also="`--json`")
