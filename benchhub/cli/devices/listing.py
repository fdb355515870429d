"""`benchhub devices list`: the devices that are known."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.errors import ConfigError
    from benchhub.model.device import DeviceProfile
    from benchhub.store.devices.quarantine import Quarantined

#: Devices in quarantine whose reason is told, and values of a label.
_MOST_REASONS, _MOST_VALUES = 20, 6


def list_devices(
    device: list[str] = typer.Argument(
        None, metavar="[DEVICE]...", help="Only these: names, groups, 'rack1-*', label=KEY:VALUE"
    ),
    exclude: list[str] = project.EXCLUDE,
    limit: int = typer.Option(50, min=0, help="How many to list at most; 0: all"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """List devices: the project's, those of its fleet file, and those that ship."""
    from benchhub.cli.devices.quarantine import quarantined

    spoilt: list[ConfigError] = []
    profiles = _profiles(device or (), exclude, spoilt)
    kept = quarantined(store)
    if json:
        typer.echo(jsonlib.dumps([_told(one, kept) for one in profiles], indent=2))
    else:
        _show(profiles, kept, limit or len(profiles))
    for problem in spoilt:
        project.problem(str(problem))
    if spoilt:
        raise typer.Exit(2)


def _profiles(
    words: Sequence[str], exclude: Sequence[str], spoilt: list[ConfigError]
) -> list[DeviceProfile]:
    """Return the profiles that are meant; those that cannot be used are told in `spoilt`."""
    from benchhub.config.fleet.chosen import Choice, places, profiles
    from benchhub.config.fleet.known import Known
    from benchhub.errors import ConfigError

    folder, found = project.folder(), []
    if words or exclude:
        return list(profiles(places(Choice(tuple(words or "*"), tuple(exclude)), folder)))
    try:
        known = Known.of(folder)
    except ConfigError as error:  # of a fleet file; the others are no worse for it
        spoilt.append(error)
        known = Known.without_groups(folder)
    for name in known.every():
        try:
            found.append(known.profile(name))
        except ConfigError as error:
            spoilt.append(error)
    return found


def _told(profile: DeviceProfile, kept: Mapping[str, Quarantined]) -> dict[str, Any]:
    one = kept.get(profile.name)
    held = {"since": one.since, "reason": one.reason} if one else None
    return plain(profile) | {"template": is_template(profile), "quarantine": held}


def _show(profiles: Sequence[DeviceProfile], kept: Mapping[str, Quarantined], most: int) -> None:
    from benchhub.cli.show.say import say, stdout
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import Column, listing

    states = {profile.name: _state(profile, kept) for profile in profiles}
    # What wants attention is listed first where not all are.
    listed = list(profiles)
    if len(listed) > most:
        listed.sort(key=lambda one: (one.name not in kept, is_template(one)))
    body = []
    for profile in listed[:most]:
        host = "this machine" if profile.transport == "local" else profile.host
        shown = "" if is_template(profile) else host
        body.append((profile.name, shown, states[profile.name], _origin(profile)))
    console = stdout()
    caption = "Devices"
    if len(profiles) > most:
        counts = Counter(state or "this machine" for state in states.values())
        told = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
        caption = f"{len(body):,} of {len(profiles):,} devices ({told})"
    heads = (Column("device"), Column("host", rank=1), Column("state"), Column("profile", rank=2))
    print_table(console, listing("devices", caption, heads, body), also="`--json`")
    if len(profiles) > most:
        say(console, "dim", "--limit 0 lists all; 'rack1-*' or label=KEY:VALUE some")
    for line in _labels(profiles):
        say(console, "dim", line)
    held = [profile.name for profile in profiles if profile.name in kept]
    for name in held[:_MOST_REASONS]:
        say(console, "", f"{name}: quarantined since {kept[name].since}: {kept[name].reason}")
    if len(held) > _MOST_REASONS:
        say(console, "", f"and {len(held) - _MOST_REASONS:,} more in quarantine; --json has all")
    if any(map(is_template, profiles)):
        hint = "benchhub devices enroll HOST --name NAME --like TEMPLATE"
        project.note(f"a template becomes a device of yours: {hint}")


def _state(profile: DeviceProfile, kept: Mapping[str, Quarantined]) -> str:
    state = "" if profile.transport == "local" else "enrolled"
    if profile.transport != "local" and not profile.host_key:
        state = "template" if is_template(profile) else "not enrolled"
    if profile.name in kept:
        state = "quarantined"
    state += ", emulated" if profile.emulated else ""
    return state.removeprefix(", ")


def _labels(profiles: Sequence[DeviceProfile]) -> list[str]:
    """Return a line for each label that devices may be chosen by, with how many have a value."""
    found: dict[str, Counter[str]] = {}
    for profile in profiles:
        for key, value in {} if is_template(profile) else profile.labels.items():
            found.setdefault(key, Counter())[value] += 1
    lines = []
    for key, values in sorted(found.items()):
        told = [f"{key}:{value} {count:,}" for value, count in values.most_common(_MOST_VALUES)]
        more = len(values) - len(told)
        lines.append(f"label={', '.join(told)}" + (f" and {more:,} more values" if more else ""))
    return lines


def _origin(profile: DeviceProfile) -> str:
    """Return where a profile is from: a file of the user's, short where it can be, or shipped."""
    from benchhub.config.catalogue import SHIPPED

    path = profile.path
    if path is None or path.is_relative_to(SHIPPED / "device_profiles"):
        return "shipped"
    here = project.folder()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def is_template(profile: DeviceProfile) -> bool:
    """Return whether a profile is only where a user's own begins."""
    from benchhub.config.catalogue import TEMPLATE_HOST

    return profile.host == TEMPLATE_HOST


def plain(profile: DeviceProfile) -> dict[str, Any]:
    """Return a profile as JSON types."""
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in dataclasses.asdict(profile).items()
    }
