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
    from benchhub.model import DeviceProfile
    from benchhub.ondevice.wire import Conditions

app = typer.Typer(help="List, enrol and check devices.", no_args_is_help=True)


@app.command("list")
def list_devices(store: str = project.STORE, json: bool = project.JSON) -> None:
    """List device profiles: the project's and those that ship, templates and all."""
    from benchhub.catalogue import profile_files
    from benchhub.cli.quarantine import quarantined
    from benchhub.config import load_profile

    profiles = [load_profile(path) for path in profile_files(project.folder()).values()]
    kept = quarantined(store)
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
    from rich.table import Table

    table = Table()
    for name in ("device", "transport", "host", "state", "emulated", "profile"):
        table.add_column(name, overflow="fold")
    for profile in profiles:
        template = _is_template(profile)
        state = "" if profile.transport == "local" else "enrolled"
        if profile.transport != "local" and not profile.host_key:
            state = "template" if template else "not enrolled"
        if one := kept.get(profile.name):
            state = f"quarantined since {one.since}: {one.reason}"
        table.add_row(
            profile.name,
            profile.transport,
            "" if template else profile.host,
            state,
            "yes" if profile.emulated else "",
            str(profile.path),
        )
    Console().print(table)
    if any(map(_is_template, profiles)):
        hint = "a template becomes a device of yours: benchhub devices enroll HOST --like TEMPLATE"
        typer.echo(hint, err=True)


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
        whole = {"profile": _plain(profile), "facts": facts, "conditions": now}
        typer.echo(jsonlib.dumps(whole, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=profile.name, show_header=False)
    for name, value in facts.items():
        table.add_row(name, _text(value) if value or name != "emulation" else "no sign of it")
    for name, value in dataclasses.asdict(conditions).items():
        if name not in ("at_ns", "unavailable") and not name.endswith("_ticks"):
            reason = conditions.unavailable.get(name, "unknown")
            table.add_row(name, _text(value) if value is not None else f"unavailable: {reason}")
    Console().print(table)


@app.command()
def enroll(
    host: str = typer.Argument(help="A Host of ~/.ssh/config, or an address"),
    name: str = typer.Option(None, help="The device's name in benchhub (default: the host)"),
    port: int = typer.Option(None),
    user: str = typer.Option(None),
    identity_file: Path = typer.Option(None, help="Private key to log in with"),
    proxy_jump: str = typer.Option(None, help="Jump host"),
    ssh_config: Path = typer.Option(None, help="Other file than ~/.ssh/config"),
    python: str = typer.Option(None, help="Python on the device"),
    root: str = typer.Option(None, help="Folder on the device for models and runner"),
    like: str = typer.Option(None, help="Shipped profile to start from, such as raspberry-pi-5"),
    yes: bool = typer.Option(False, "--yes", help="Trust the key without asking"),
) -> None:
    """Take a device's SSH host key after you compared its fingerprint, and write its profile."""
    from benchhub.catalogue import profile_file
    from benchhub.cli.profile_file import write_profile
    from benchhub.config import load_profile
    from benchhub.device.ssh import scan
    from benchhub.errors import ConfigError, DeviceError
    from benchhub.model import DeviceProfile

    label = name or host
    given = {
        "host": host, "port": port, "user": user, "identity_file": identity_file,
        "proxy_jump": proxy_jump, "ssh_config": ssh_config, "python": python, "root": root,
    }  # fmt: skip
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    path = project.folder() / "device_profiles" / f"{label}.toml"
    template = profile_file(like, project.folder()) if like else None
    if path.exists():  # enrolled again: the way to it that its profile describes still holds
        profile = dataclasses.replace(load_profile(path), **chosen)
    elif template is not None:
        profile = dataclasses.replace(load_profile(template), name=label, **chosen)
    else:
        profile = DeviceProfile(name=label, transport="ssh", **chosen)
    keys = scan(profile)
    if not keys:
        raise DeviceError(f"{label}: {host} shows no host key of a type benchhub knows")
    for key in keys:
        typer.echo(f"{host} shows {key}", err=True)
    typer.echo(
        "compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the device", err=True
    )
    if not yes and not typer.confirm("is this the device?", err=True):
        raise ConfigError(f"{host}: not enrolled")
    write_profile(path, label, chosen, keys[0].line, template)
    typer.echo(path)
    typer.echo(f"next: benchhub devices doctor {label}", err=True)


@app.command()
def doctor(
    device: list[str] = typer.Argument(None, help="Devices (default: localhost)"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Check devices; exit 3 if one of them cannot measure. A pass lifts a quarantine."""
    from benchhub.cli.doctor import examine, print_checks
    from benchhub.cli.quarantine import lift, quarantined

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
    from benchhub.catalogue import check_own, profile_file
    from benchhub.config import load_profile

    profile = load_profile(profile_file(name, project.folder()))
    check_own(profile.name, profile.host)
    return profile


def _ask(profile: DeviceProfile) -> tuple[dict[str, Any], Conditions]:
    from benchhub.device.runner import build_runner
    from benchhub.device.session import DeviceSession, holder

    with DeviceSession.open(profile, build_runner(), holder("a question")) as session:
        return session.facts(), session.conditions()


def _is_template(profile: DeviceProfile) -> bool:
    from benchhub.catalogue import TEMPLATE_HOST

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
