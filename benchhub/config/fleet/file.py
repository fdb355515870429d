"""A fleet file, TOML to groups of devices: the only reader of it.

A mistake is a ConfigError of one line, as in suites and profiles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchhub.config.fleet import braces
from benchhub.config.fleet.group import THE_NAME, Group, Tables, member, with_name
from benchhub.config.fleet.tables import OTHERS, FleetFile, GroupTable
from benchhub.config.fleet.words import GROUP
from benchhub.config.suite import parse
from benchhub.errors import ConfigError, nearest
from benchhub.outside.mistakes import NAME

#: Of so many devices a file may tell.
MOST_DEVICES = 100_000


def load_fleet(path: Path) -> tuple[Group, ...]:
    """Return the groups of a fleet file; ConfigError if it cannot be used."""
    parsed = parse(FleetFile, path)
    left, groups = MOST_DEVICES, []
    for name, table in parsed.groups.items():
        groups.append(_group(path, name, table, left))
        left -= len(groups[-1].hosts)
    _check_once(path, groups)
    return tuple(groups)


def _group(path: Path, name: str, table: GroupTable, left: int) -> Group:
    at = f"{path}: groups.{name}"
    names = _names(at, name, table, left)
    own = {one: _written(tables) for one, tables in table.members.items()}
    known = set(names)
    if unknown := next((one for one in own if one not in known), None):
        hint = nearest(unknown, known)
        raise ConfigError(f"{at}.members.{unknown}: the group has no such device{hint}")
    tables = {key: value for key, value in _written(table).items() if key in ("device", *OTHERS)}
    for where, told in ((at, tables), *((f"{at}.members.{one}", own[one]) for one in own)):
        if GROUP in told.get("labels", {}):
            raise ConfigError(f"{where}.labels.{GROUP}: that label is the group's name; remove it")
    tables["labels"] = {**tables.get("labels", {}), GROUP: name}
    hosts = _hosts(at, table, names, own)
    first = names[0]
    shared = member(path, name, (first, hosts[first]), tables, {})
    return Group(name, path, hosts, tables, own, shared)


def _names(at: str, group: str, table: GroupTable, most: int) -> list[str]:
    """Return the names of a group's devices, in order; ConfigError for what can name none."""
    patterns = [table.names] if isinstance(table.names, str) else table.names
    names = list(_expanded(f"{at}.names", patterns, most))
    if not names:
        raise ConfigError(f'{at}.names has no device; write a pattern, as "{group}-{{01..40}}"')
    allowed = re.compile(NAME)
    if bad := next((one for one in names if not allowed.fullmatch(one)), None):
        raise ConfigError(
            f"{at}.names: {bad!r} cannot name a device; use letters, digits, and . _ + - in it"
        )
    twice, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise ConfigError(f"{at}.names has {twice} twice; name each device once")
    return names


def _expanded(at: str, patterns: Sequence[str], most: int) -> Iterator[str]:
    for pattern in patterns:
        try:
            size = braces.count(pattern)
        except ConfigError as error:
            raise ConfigError(f"{at}: {error}") from None
        if size > most:
            raise ConfigError(
                f"{at}: {pattern} makes {size:,}, and a fleet file has {MOST_DEVICES:,} devices"
                " at most; write fewer"
            )
        most -= size
        yield from braces.expanded(pattern)


def _hosts(
    at: str, table: GroupTable, names: Sequence[str], members: Mapping[str, Tables]
) -> dict[str, str]:
    """Return where each device is; ConfigError where there are fewer or more addresses."""
    own: dict[str, str] = {
        one: tables["device"]["host"]
        for one, tables in members.items()
        if "host" in tables.get("device", {})
    }
    patterns = [table.addresses] if isinstance(table.addresses, str) else table.addresses
    if patterns is None:
        lacking = next((one for one in names if one not in own), None)
        if lacking and _written(table)["device"]["transport"] == "ssh":
            raise ConfigError(
                f"{at}.addresses is missing, and {lacking} has no host of its own; write"
                f' addresses = "{THE_NAME}" where ssh knows devices by their names'
            )
        return {one: own.get(one, "") for one in names}
    if len(patterns) == 1 and THE_NAME in patterns[0]:
        return {one: own.get(one) or with_name(patterns[0], one) for one in names}
    found = list(_expanded(f"{at}.addresses", patterns, MOST_DEVICES))
    if len(found) != len(names):
        short = len(found) < len(names)
        without = names[len(found)] if short else found[len(names)]
        raise ConfigError(
            f"{at}.addresses are {len(found):,} for {len(names):,} names: {without} has no"
            f" {'address' if short else 'name'}"
        )
    return {one: own.get(one, host) for one, host in zip(names, found, strict=True)}


def _written(table: BaseModel) -> dict[str, Any]:
    """Return the keys of a table that the user wrote."""
    return table.model_dump(by_alias=True, exclude_unset=True)


def _check_once(path: Path, groups: Sequence[Group]) -> None:
    """Raise ConfigError for a name that stands for two things."""
    of: dict[str, str] = {}
    for group in groups:
        for name in group.hosts:
            if name in of:
                raise ConfigError(
                    f"{path}: {name} is in groups.{of[name]} and in groups.{group.name}; rename one"
                )
            of[name] = group.name
    for group in groups:
        if group.name in of:
            raise ConfigError(
                f"{path}: {group.name} is a group and a device of groups.{of[group.name]};"
                " rename one"
            )
