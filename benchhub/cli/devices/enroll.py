"""`benchhub devices enroll`: a device's host key, taken once its fingerprint was compared."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import typer

from benchhub.cli import project


def enroll(
    host: str = typer.Argument(
        help="A Host of ~/.ssh/config, an address, USER@HOST, or a device of fleet.toml"
    ),
    name: str = typer.Option(None, help="The device's name in benchhub (default: the host)"),
    port: int = typer.Option(None, help="Its SSH port (default: as ssh has it)"),
    user: str = typer.Option(None, help="Who to log in as (default: as ssh has it)"),
    identity_file: Path = typer.Option(None, help="Private key to log in with"),
    proxy_jump: str = typer.Option(None, help="Jump host"),
    ssh_config: Path = typer.Option(None, help="Other file than ~/.ssh/config"),
    python: str = typer.Option(None, help="Python on the device"),
    root: str = typer.Option(None, help="Folder on the device for models and runner"),
    like: str = typer.Option(None, help="Shipped profile to start from, such as raspberry-pi-5"),
    yes: bool = typer.Option(False, "--yes", help="Trust the key without asking"),
) -> None:
    """Take a device's SSH host key after you compared its fingerprint, and write its profile."""
    from benchhub.cli.devices.profile_file import write_member, write_profile
    from benchhub.config.catalogue import profile_file
    from benchhub.config.fleet.known import Known
    from benchhub.config.suite import load_profile
    from benchhub.device.ssh.transport import scan
    from benchhub.errors import ConfigError, DeviceError
    from benchhub.model.device import DeviceProfile

    login, _, host = host.rpartition("@")
    label = _named(name or host)
    given = {
        "host": host, "port": port, "user": user or login or None, "identity_file": identity_file,
        "proxy_jump": proxy_jump, "ssh_config": ssh_config, "python": python, "root": root,
    }  # fmt: skip
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    path = project.folder() / "device_profiles" / f"{label}.toml"
    template = profile_file(like, project.folder()) if like else None
    group = Known.of(project.folder()).group_of(label)
    if group is not None:
        if template is not None:
            raise ConfigError(f"{label} is of {group.path}, and like its group; drop --like")
        path = group.path
        if host == label:  # where it is, its group says
            del chosen["host"]
            host = group.hosts[label]
        profile = dataclasses.replace(group.profile(label), **chosen)
    elif path.exists():  # enrolled again: the way to it that its profile describes still holds
        profile = dataclasses.replace(load_profile(path), **chosen)
    elif template is not None:
        profile = dataclasses.replace(load_profile(template), name=label, **chosen)
    else:
        profile = DeviceProfile(name=label, transport="ssh", **chosen)
    keys = scan(profile)
    if not keys:
        raise DeviceError(f"{label}: {host} shows no host key of a type benchhub knows")
    for key in keys:
        project.note(f"{host} shows {key}")
    project.note("compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the device")
    if not yes and not _confirmed(host):
        raise ConfigError(f"{host}: not enrolled; compare its fingerprint, then answer y")
    if group is not None:
        write_member(path, group.name, label, chosen | {"host_key": keys[0].line})
    else:
        write_profile(path, label, chosen, keys[0].line, template)
    typer.echo(path)
    project.note(f"next: benchhub devices doctor {label}")


def _named(name: str) -> str:
    """Return a device's name; ConfigError for one that its profile could not have."""
    from pydantic import TypeAdapter, ValidationError

    from benchhub.config.schema import Name
    from benchhub.errors import ConfigError

    try:
        return TypeAdapter[str](Name).validate_python(name)
    except ValidationError:
        raise ConfigError(
            f"{name!r} cannot name a device; give --name with letters, digits, and . _ + - in it"
        ) from None


def _confirmed(host: str) -> bool:
    """Ask whether this is the device; ConfigError where nobody is there to answer."""
    from benchhub.errors import ConfigError

    try:
        return typer.confirm("is this the device?", err=True)
    except typer.Abort:
        typer.echo(err=True)
        raise ConfigError(
            f"{host}: not enrolled: no answer; compare its fingerprint, then give --yes"
        ) from None
