"""The power command of a device, as a profile has it."""

from __future__ import annotations

import string
from pathlib import Path

from benchhub.config.schema import PowerTable
from benchhub.errors import ConfigError
from benchhub.model.device import Power

#: What stands for something of the device in its power command.
_PLACEHOLDERS = ("name", "host")


def power(table: PowerTable | None, path: Path) -> Power | None:
    """Return how a device is switched off and on; ConfigError for a command that cannot be."""
    if table is None:
        return None
    command, *arguments = table.cycle
    if not command.strip() or "{" in command or "}" in command:
        raise ConfigError(
            f"{path}: power.cycle begins with {command!r}: it has to begin with the name or path of"
            " a command, without placeholders"
        )
    for argument in arguments:
        _check(argument, path)
    if "/" in command and not command.startswith("/"):
        command = str((path.parent / command).absolute())
    return Power((command, *arguments), table.timeout_s)


def _check(argument: str, path: Path) -> None:
    try:
        parts = list(string.Formatter().parse(argument))
    except ValueError as error:
        raise ConfigError(
            f"{path}: power.cycle: {argument!r}: {error}; write {{{{ for a brace"
        ) from error
    for _, name, spec, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or spec or conversion):
            raise ConfigError(
                f"{path}: power.cycle: {argument!r} has a placeholder that is none of {{name}} and"
                " {host}; write {{ for a brace"
            )
