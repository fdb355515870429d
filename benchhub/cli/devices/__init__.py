"""`benchhub devices`: which machines there are, and whether they are fit to measure."""

from __future__ import annotations

import dataclasses
import functools
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchhub.model.device import DeviceProfile
    from benchhub.model.facts import Facts
    from benchhub.ondevice.wire import Conditions
    from benchhub.store.quarantine import Quarantined

app = typer.Typer(help="List, enrol and check devices.", no_args_is_help=True)


@app.command("list")
def list_devices(store: str = project.STORE, json: bool = project.JSON) -> None:
    """List device profiles: the project's and those that ship, templates and all."""
    from benchhub.cli.devices.quarantine import quarantined
    from benchhub.config.catalogue import profile_files
    from benchhub.config.suite import load_profile
    from benchhub.errors import ConfigError

    profiles: list[DeviceProfile] = []
    spoilt: list[ConfigError] = []
    for path in profile_files(project.folder()).values():
        try:
            profiles.append(load_profile(path))
        except ConfigError as error:  # the others are no worse for it
            spoilt.append(error)
    kept = quarantined(store)
    _show_profiles(profiles, kept, json)
    for problem in spoilt:
        project.problem(str(problem))
    if spoilt:
        raise typer.Exit(2)


def _show_profiles(
    profiles: list[DeviceProfile], kept: Mapping[str, Quarantined], json: bool
) -> None:
    if json:
        whole = []
        for profile in profiles:
            one = kept.get(profile.name)
            held = {"since": one.since, "reason": one.reason} if one else None
            plain = _plain(profile) | {"template": _is_template(profile), "quarantine": held}
            whole.append(plain)
        typer.echo(jsonlib.dumps(whole, indent=2))
        return
    from rich.console import Console

    from benchhub.cli.show.say import say
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import listing

    body = []
    for profile in profiles:
        template = _is_template(profile)
        state = "" if profile.transport == "local" else "enrolled"
        if profile.transport != "local" and not profile.host_key:
            state = "template" if template else "not enrolled"
        if profile.name in kept:
            state = "quarantined"
        state += ", emulated" if profile.emulated else ""
        host = "this machine" if profile.transport == "local" else profile.host
        shown = "" if template else host
        body.append((profile.name, shown, state.removeprefix(", "), _origin(profile.path)))
    console = Console()
    print_table(
        console, listing("devices", "Devices", ("device", "host", "state", "profile"), body)
    )
    for profile in profiles:
        if one := kept.get(profile.name):
            say(console, "", f"{profile.name}: quarantined since {one.since}: {one.reason}")
    if any(map(_is_template, profiles)):
        hint = "benchhub devices enroll HOST --name NAME --like TEMPLATE"
        typer.echo(f"a template becomes a device of yours: {hint}", err=True)


@app.command()
def show(
    device: str = typer.Argument(help="A device's name or profile file"),
    json: bool = project.JSON,
) -> None:
    """Connect to a device and show what it really is, and its conditions now."""
    profile = _profile(device)
    facts, conditions = _ask(profile)
    if json:
        now = dataclasses.asdict(conditions)
        whole = {"profile": _plain(profile), "facts": dict(facts.told), "conditions": now}
        typer.echo(jsonlib.dumps(whole, indent=2))
        return
    from rich.console import Console

    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import listing

    body = [
        (name, _text(value) if value or name != "emulation" else "no sign of it")
        for name, value in facts.told.items()
    ]
    for name, value in dataclasses.asdict(conditions).items():
        if name not in ("at_ns", "unavailable") and not name.endswith("_ticks"):
            reason = conditions.unavailable.get(name, "unknown")
            body.append((name, _text(value) if value is not None else f"unavailable: {reason}"))
    print_table(Console(), listing("facts", profile.name, ("fact", "value"), body))


@app.command()
def doctor(
    device: list[str] = typer.Argument(None, help="Devices (default: localhost)"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Check devices; exit 3 if one of them cannot measure. A pass lifts a quarantine."""
    from benchhub.cli.devices.doctor import examine, print_checks
    from benchhub.cli.devices.quarantine import lift, quarantined

    kept = quarantined(store)
    bad = False
    report: dict[str, list[dict[str, str]]] = {}
    for name in device or ["localhost"]:
        profile = _profile(name)
        checks, unfit = examine(profile, functools.partial(_ask, profile))
        bad = bad or unfit
        report[profile.name] = [dataclasses.asdict(check) for check in checks]
        if not json:
            print_checks(profile.name, checks, unfit)
        if one := kept.get(profile.name):
            if unfit:
                typer.echo(f"{profile.name}: stays in quarantine since {one.since}", err=True)
            elif lift(store, profile.name):
                text = f"{profile.name}: out of quarantine, where it was since {one.since}"
                typer.echo(text, err=True)
    if json:
        typer.echo(jsonlib.dumps(report, indent=2))
    if bad:
        raise typer.Exit(3)


def _profile(name: str) -> DeviceProfile:
    from benchhub.config.catalogue import check_own, profile_file
    from benchhub.config.suite import load_profile

    profile = load_profile(profile_file(name, project.folder()))
    check_own(profile.name, profile.host)
    return profile


def _ask(profile: DeviceProfile) -> tuple[Facts, Conditions]:
    from benchhub.device.again import again
    from benchhub.device.runner import build_runner
    from benchhub.device.session import DeviceSession, holder

    def ask() -> tuple[Facts, Conditions]:
        with DeviceSession.open(profile, build_runner(), holder("a question")) as session:
            return session.facts(), session.conditions()

    return again(ask, project.note)


def _origin(path: Path | None) -> str:
    """Return where a profile is from: a file of the user's, short where it can be, or shipped."""
    from benchhub.config.catalogue import SHIPPED

    if path is None or path.is_relative_to(SHIPPED / "device_profiles"):
        return "shipped"
    here = project.folder()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _is_template(profile: DeviceProfile) -> bool:
    from benchhub.config.catalogue import TEMPLATE_HOST

    return profile.host == TEMPLATE_HOST


def _plain(profile: DeviceProfile) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in dataclasses.asdict(profile).items()
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        known = {key: item for key, item in value.items() if item not in (None, [], {})}
        return ", ".join(f"{key} {_text(item)}" for key, item in known.items())
    if isinstance(value, list | tuple):
        several = any(isinstance(item, dict) for item in value)
        return ("; " if several else " ").join(_text(item) for item in value) or "none"
    return "unknown" if value is None else str(value)
