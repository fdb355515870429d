"""`benchhub devices reserve`, `reservations` and `release`: devices that are kept for somebody."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from benchhub.model.device import DeviceProfile, Reservation


def reserve(
    device: str = typer.Argument(help="A device's name, of a profile or a fleet file"),
    begins: str = typer.Option(
        "now", "--from", metavar="TIME", help="now, 14:00, or 2026-01-31T14:00"
    ),
    lasts: str = typer.Option(..., "--for", metavar="DURATION", help="30m, 2h, 1d; at most 7d"),
    why: str = typer.Option("", "--why", metavar="TEXT", help="What for, for others to read"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Keep a device for yourself for a time; whoever measures then is let finish.

    Exit 3 where somebody has it reserved for a part of that time.
    """
    from datetime import datetime, timedelta

    from benchhub.config.durations import duration_s, moment
    from benchhub.device.runner import build_runner
    from benchhub.device.session import connect
    from benchhub.device.turns.reserve import keep, new_reservation, release
    from benchhub.errors import StoreError

    profile = _profile(device)
    here = datetime.now().astimezone()
    starts, seconds = moment(begins, "--from", here), duration_s(lasts, "--for")
    ends = _checked(starts, timedelta(seconds=min(seconds, 1e9)), here)
    made = new_reservation(profile.name, starts, ends, why)
    with project.open_store(store) as results:
        known, now = results.reservations.coming(profile.name), results.reservations.now()
        keep(profile, build_runner(), connect, made, known, now)
        try:
            results.reservations.add(made)
        except StoreError:
            release(profile, build_runner(), connect, made.id)
            raise
    if json:
        typer.echo(jsonlib.dumps(_plain(made), indent=2))
        return
    typer.echo(f"{profile.name} is reserved as {made.id}: {_times(made)}")
    project.note(f"give it back with `benchhub devices release {made.id}`")


def reservations(
    device: list[str] = typer.Argument(None, help="Devices (default: all)"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """List the reservations that the store knows of and that are not over.

    `devices queue` asks the devices, and shows those of other stores, too.
    """
    names = {_profile(name).name for name in device or ()}
    stored, _ = coming(store)
    found = [one for one in stored if not names or one.device in names]
    if json:
        typer.echo(jsonlib.dumps([_plain(one) for one in found], indent=2))
        return
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import Column, listing

    body = [(one.id, one.device, f"{one.user}@{one.host}", _times(one), one.why) for one in found]
    heads = [Column("id"), Column("device"), Column("for", rank=1), Column("when")]
    table = listing("reservations", "Reservations", [*heads, Column("why", rank=2)], body)
    print_table(stdout(), table, also="`--json`")


def release(
    reservation: str = typer.Argument(help="The id of a reservation"),
    device: str = typer.Argument(None, help="Its device's profile file, where it is no known name"),
    store: str = project.STORE,
) -> None:
    """Give a reservation back before it is over; exit 3 where its device does not know of that."""
    from benchhub.device.runner import build_runner
    from benchhub.device.session import connect
    from benchhub.device.turns.reserve import release as released
    from benchhub.errors import ConfigError, DeviceError, nearest

    with project.open_store(store) as results:
        known = {one.id: one for one in results.reservations.coming()}
        if reservation not in known:
            raise ConfigError(
                f"no reservation {reservation} in the store{nearest(reservation, known)}; see"
                " `benchhub devices reservations`"
            )
        one = known[reservation]
        profile = _profile(device or one.device)
        if profile.name != one.device:
            raise ConfigError(f"reservation {one.id} is of device {one.device}: name that, or none")
        results.reservations.remove(one.id)
        try:
            if released(profile, build_runner(), connect, one.id):
                typer.echo(f"{one.device}: no longer reserved as {one.id}")
                return
            trouble = "it was made from another account, which has to release it"
        except DeviceError as error:
            trouble = str(error).removeprefix(f"{one.device}: ")
    raise DeviceError(
        f"{one.device}: the store has forgotten {one.id}, and the device keeps it until"
        f" {one.ends_at}: {trouble}"
    )


def coming(store: str | None) -> tuple[tuple[Reservation, ...], datetime]:
    """Return the reservations that are not over, and the store's time; asking makes no store."""
    from datetime import UTC, datetime

    if store is None and not (project.folder() / "benchhub.db").is_file():
        return (), datetime.now(UTC)
    with project.open_store(store) as results:
        return results.reservations.coming(), results.reservations.now()


def _checked(starts: datetime, lasts: timedelta, now: datetime) -> datetime:
    """Return when a reservation ends; ConfigError for one that cannot be."""
    from datetime import timedelta

    from benchhub.errors import ConfigError
    from benchhub.ondevice.turns.order import MOST_AHEAD_S, MOST_LONG_S

    if not 60 <= lasts.total_seconds() <= MOST_LONG_S:
        raise ConfigError("--for has to be from 1m to 7d: reserve it again for longer")
    if starts < now - timedelta(minutes=1):
        raise ConfigError(f"--from {starts.isoformat()} is over: give a time that is to come")
    if starts > now + timedelta(seconds=MOST_AHEAD_S - 60):
        raise ConfigError(f"--from {starts.isoformat()} is more than 90 days ahead")
    return starts + lasts


def _times(one: Reservation) -> str:
    from datetime import datetime

    from benchhub.device.turns.queue import clock
    from benchhub.text import instant

    now = datetime.now().astimezone()
    spans = (instant(at).timestamp() - now.timestamp() for at in (one.starts_at, one.ends_at))
    return " to ".join(clock(now, seconds) for seconds in spans)


def _plain(one: Reservation) -> dict[str, str]:
    import dataclasses

    return dataclasses.asdict(one)


def _profile(name: str) -> DeviceProfile:
    from benchhub.config.catalogue import check_own
    from benchhub.config.fleet.chosen import place, profiles

    (profile,) = profiles([place(name, project.folder())])
    check_own(profile.name, profile.host)
    return profile
