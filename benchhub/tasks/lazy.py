"""Tables of name -> "module:attribute", with entry points beside them; imported when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from importlib.metadata import entry_points
from typing import Any

from benchhub.errors import ConfigError, nearest


def names(group: str, table: Mapping[str, str]) -> tuple[str, ...]:
    """Return every name of `table` and of the entry point group `group`."""
    return tuple(sorted({*table, *entry_points(group=group).names}))


def found(
    kind: str, group: str, table: Mapping[str, str], name: str, others: Collection[str] = ()
) -> Any:
    """Return what `name` stands for; ConfigError naming the nearest if it is unknown.

    `others` are names known elsewhere, for that message.
    """
    if name in table:
        module, _, attribute = table[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    plugins = entry_points(group=group, name=name)
    if not plugins:
        known = {*names(group, table), *others}
        raise ConfigError(f"{kind} {name!r} is unknown{nearest(name, known)}")
    return next(iter(plugins)).load()
