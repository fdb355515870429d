"""`benchhub devices`: which machines there are, and whether they are fit to measure."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.model import DeviceProfile, Finding
    from benchhub.ondevice.wire import Conditions

app = typer.Typer(help="List, enrol and check devices.", no_args_is_help=True)


@app.command("list")
def list_devices(json: bool = project.JSON) -> None:
    """List device profiles: the project's and those that ship."""
    from benchhub.catalogue import profile_files
    from benchhub.config import load_profile

    profiles = [load_profile(path) for path in profile_files(project.folder()).values()]
    if json:
        typer.echo(jsonlib.dumps([_plain(p) for p in profiles], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in ("device", "transport", "host", "host key", "emulated", "profile"):
        table.add_column(name, overflow="fold")
    for profile in profiles:
        enrolled = "enrolled" if profile.host_key else "not enrolled"
        table.add_row(
            profile.name,
            profile.transport,
            profile.host,
            "" if profile.transport == "local" else enrolled,
            "yes" if profile.emulated else "",
            str(profile.path),
        )
    Console().print(table)


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
        table.add_row(name, _text(value))
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
    yes: bool = typer.Option(False, "--yes", help="Trust the key without asking"),
) -> None:
    """Take a device's SSH host key after you compared its fingerprint, and write its profile."""
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
    if path.exists():  # enrolled again: the way to it that its profile describes still holds
        profile = dataclasses.replace(load_profile(path), **chosen)
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
    write_profile(path, label, chosen, keys[0].line)
    typer.echo(path)
    typer.echo(f"next: benchhub devices doctor {label}", err=True)


@app.command()
def doctor(
    device: list[str] = typer.Argument(None, help="Devices (default: localhost)"),
    json: bool = project.JSON,
) -> None:
    """Check devices; exit 3 if one of them cannot measure."""
    from benchhub.device.health import findings
    from benchhub.errors import DeviceError
    from benchhub.request import backend_names

    bad = False
    report: dict[str, list[dict[str, str]]] = {}
    for name in device or ["localhost"]:
        profile = _profile(name)
        try:
            facts, conditions = _ask(profile)
        except DeviceError as error:
            typer.echo(f"benchhub: {error}", err=True)
            report[profile.name] = [{"check": "connect", "level": "refuse", "found": str(error)}]
            bad = True
            continue
        known = tuple(b for b in backend_names() if b in ("onnxruntime", "openvino"))
        checks = findings(profile, facts, conditions, known)
        missing = [c for c in checks if c.check.startswith("backend ") and c.level != "ok"]
        unfit = any(c.level == "refuse" for c in checks) or len(missing) == len(known)
        bad = bad or unfit
        report[profile.name] = [dataclasses.asdict(check) for check in checks]
        if not json:
            _print_findings(profile.name, checks, unfit)
    if json:
        typer.echo(jsonlib.dumps(report, indent=2))
    if bad:
        raise typer.Exit(3)


def _print_findings(name: str, checks: tuple[Finding, ...], unfit: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    colours = {"ok": "green", "warn": "yellow", "refuse": "red"}
    table = Table(title=f"{name}: {'cannot measure' if unfit else 'can measure'}")
    for column in ("check", "", "found", "why it matters", "fix"):
        table.add_column(column, overflow="fold")
    for check in checks:
        level = f"[{colours[check.level]}]{check.level}[/]"
        table.add_row(check.check, level, check.found, check.why, check.fix)
    Console().print(table)


def _profile(name: str) -> DeviceProfile:
    from benchhub.catalogue import profile_file
    from benchhub.config import load_profile

    return load_profile(profile_file(name, project.folder()))


def _ask(profile: DeviceProfile) -> tuple[dict[str, Any], Conditions]:
    from benchhub.device.runner import build_runner
    from benchhub.device.session import DeviceSession, holder

    with DeviceSession.open(profile, build_runner(), holder("a question")) as session:
        return session.facts(), session.conditions()


def _plain(profile: DeviceProfile) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in dataclasses.asdict(profile).items()
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return "unknown" if value is None else str(value)
