"""Devices of one kind, and the profile of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchhub.config.schema import ProfileFile
from benchhub.config.suite import as_profile, validated
from benchhub.errors import ConfigError
from benchhub.model.device import DeviceProfile

#: Stands for a device's name in the texts that a group's devices share.
THE_NAME = "{name}"

#: The tables of a profile as they are written.
Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one kind: `hosts` has the address of each by its name, in order.

    `tables` are those of a profile that all share, `own` what single devices have otherwise, and
    `shared` is the profile of the first, without anything of its own.
    """

    name: str
    path: Path
    hosts: Mapping[str, str]
    tables: Tables
    own: Mapping[str, Tables]
    shared: DeviceProfile

    def labels(self, device: str) -> Mapping[str, str]:
        """Return the labels of one of its devices."""
        own = self.own.get(device, {}).get("labels")
        return {**self.shared.labels, **own} if own else self.shared.labels

    def profile(self, device: str) -> DeviceProfile:
        """Return the profile of one of its devices; ConfigError if it cannot be used."""
        host, own = self.hosts[device], self.own.get(device)
        if own is None and not any(map(has_name, self.tables["device"].values())):
            return dataclasses.replace(self.shared, name=device, host=host)
        return member(self.path, self.name, (device, host), self.tables, own or {})


def member(
    path: Path, group: str, named: tuple[str, str], tables: Tables, own: Tables
) -> DeviceProfile:
    """Return the profile of a device by its name and host: what its group has, then its own.

    ConfigError, with the file at `path`, where it cannot be used.
    """
    name, host = named
    written = {key: {**tables.get(key, {}), **own.get(key, {})} for key in {*tables, *own}}
    device = {key: with_name(value, name) for key, value in written["device"].items()}
    written["device"] = {**device, "name": name, "host": host}
    try:
        return as_profile(validated(ProfileFile, written, path), path)
    except ConfigError as error:
        said = str(error).removeprefix(f"{path}: ")
        raise ConfigError(f"{path}: groups.{group}: {name}: {said}") from None


def has_name(value: object) -> bool:
    """Return whether a device's name is to be filled in to a value."""
    return isinstance(value, str | Path) and THE_NAME in str(value)


def with_name(value: Any, name: str) -> Any:
    """Return a value with the device's name filled in."""
    return type(value)(str(value).replace(THE_NAME, name)) if has_name(value) else value
