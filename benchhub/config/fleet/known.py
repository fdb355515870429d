"""All devices that are known in a project, by name: a profile's, or in a group of a fleet file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchhub.config.catalogue import FLEET_FILE, SHIPPED, TEMPLATE_HOST, profile_files
from benchhub.config.fleet.file import load_fleet
from benchhub.config.fleet.group import Group
from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError, nearest
from benchhub.model.device import DeviceProfile

#: Between a fleet file and the device in it that is meant.
IN_FILE = "#"


class Known:
    """Devices by name, none of whose profiles is read before it is asked for.

    ConfigError: a fleet file cannot be used, or a name of it is a profile's, too.
    """

    def __init__(self, files: Mapping[str, Path], groups: Mapping[str, Group]) -> None:
        self.groups = groups
        self._fleets = {group.name: group.path.resolve() for group in groups.values()}
        self._in_group = {name: group for group in groups.values() for name in group.hosts}
        hidden = {**self._in_group, **groups}  # the user's own hide what ships
        self._files = {
            name: path
            for name, path in files.items()
            if not (name in hidden and _ships(path))
        }  # fmt: skip
        self._read: dict[str, DeviceProfile] = {}
        for name in sorted(self._files.keys() & hidden.keys()):
            raise ConfigError(
                f"{hidden[name].path}: {name} is in groups.{hidden[name].name}, and"
                f" {self._files[name]} is a profile of that name; rename one"
            )

    @classmethod
    def of(cls, project: Path) -> Known:
        """Return those of a project, and what ships."""
        groups: dict[str, Group] = {}
        for path in fleet_files(project):
            for group in load_fleet(path):
                if group.name in groups:
                    there = groups[group.name].path
                    raise ConfigError(f"{path}: groups.{group.name} is in {there}, too; rename one")
                groups[group.name] = group
        _check_apart(groups)
        return cls(profile_files(project), groups)

    @classmethod
    def without_groups(cls, project: Path) -> Known:
        """Return those that have profiles of their own."""
        return cls(profile_files(project), {})

    @classmethod
    def in_file(cls, path: Path) -> Known:
        """Return those of a fleet file alone."""
        return cls({}, {group.name: group for group in load_fleet(path)})

    def names(self) -> Iterator[str]:
        """Yield every name but those of templates: profiles first, then each group's."""
        for name, path in self._files.items():
            if not (_ships(path) and self.profile(name).host == TEMPLATE_HOST):
                yield name
        yield from self._in_group

    def every(self) -> Iterator[str]:
        """Yield every name, of templates too."""
        yield from self._files
        yield from self._in_group

    def __contains__(self, name: object) -> bool:
        return name in self._files or name in self._in_group

    def labels(self, name: str) -> Mapping[str, str]:
        """Return a device's labels; ConfigError if its profile cannot be used."""
        group = self._in_group.get(name)
        return group.labels(name) if group else self.profile(name).labels

    def profile(self, name: str) -> DeviceProfile:
        """Return a device's profile; ConfigError if it cannot be used."""
        if group := self._in_group.get(name):
            return group.profile(name)
        if name not in self._read:
            self._read[name] = load_profile(self._files[name])
        return self._read[name]

    def group_of(self, name: str) -> Group | None:
        """Return the group that a device is in; None: it has a profile, or is unknown."""
        return self._in_group.get(name)

    def place(self, name: str) -> str:
        """Return where a device's profile is, with an absolute path; see `located.profiles`."""
        if group := self._in_group.get(name):
            return f"{self._fleets[group.name]}{IN_FILE}{name}"
        return str(self._files[name].resolve())

    def unknown(self, name: str) -> ConfigError:
        """Return what is to be said of a name that no device has."""
        names = list(self.every())
        return ConfigError(f"device {name} is unknown{nearest_device(name, names, self.groups)}")

    def near_label(self, label: str) -> str:
        """Return what is said of a label, as KEY:VALUE, that no device has."""
        found: dict[str, None] = {}
        for name in self.names():
            with contextlib.suppress(ConfigError):  # a profile that cannot be used has none
                found.update({f"{key}:{value}": None for key, value in self.labels(name).items()})
        return nearest(label, found) if found else "; none has any: write [labels] in its profile"


def nearest_device(name: str, names: Sequence[str], groups: Iterable[str] = ()) -> str:
    """Return "; did you mean X?" and how many devices there are; never a list of them."""
    near = nearest(name, [*names, *groups])
    hint = near if near.startswith("; did") else ";"
    return f"{hint} {len(names):,} devices: `benchhub devices list`"


def fleet_files(project: Path) -> list[Path]:
    """Return the fleet files of a project, which are beside its profiles or in its folder."""
    found = (project / "device_profiles" / FLEET_FILE, project / FLEET_FILE)
    return [path for path in found if os.path.lexists(path)]  # whatever it is, it is told


def _ships(path: Path) -> bool:
    return path.parent == SHIPPED / "device_profiles"


def _check_apart(groups: Mapping[str, Group]) -> None:
    """Raise ConfigError for a name of one fleet file that is in another, too."""
    of: dict[str, Group] = {}
    for group in groups.values():
        for name in (group.name, *group.hosts):
            if name in of:
                raise ConfigError(
                    f"{group.path}: {name} is in groups.{of[name].name} of {of[name].path}, too;"
                    " rename one"
                )
            of[name] = group
