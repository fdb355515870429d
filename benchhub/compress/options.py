"""The options of a recipe: which there are, their defaults, and what they accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchhub.errors import ConfigError, nearest
from benchhub.model import Settings


@dataclass(frozen=True, slots=True)
class Option:
    """One option: a value is of the default's type, one of `choices` if there are any."""

    default: bool | int | str
    choices: tuple[str, ...] = ()
    least: int = 1

    def check(self, where: str, value: Any) -> None:
        """Raise ConfigError saying what is wanted unless `value` will do."""
        if self.choices and value not in self.choices:
            raise ConfigError(f"{where} = {value!r} is unknown{nearest(str(value), self.choices)}")
        if isinstance(self.default, bool) and not isinstance(value, bool):
            raise ConfigError(f"{where} must be true or false, not {value!r}")
        if type(self.default) is int and (type(value) is not int or value < self.least):
            raise ConfigError(
                f"{where} must be a whole number of at least {self.least}, not {value!r}"
            )


def complete(where: str, asked: Settings, known: Mapping[str, Option]) -> Settings:
    """Return `asked` with the defaults of `known` filled in; ConfigError for what is not known."""
    for name, value in asked.items():
        if name not in known:
            raise ConfigError(f"{where}.{name} is unknown{nearest(name, known)}")
        known[name].check(f"{where}.{name}", value)
    return {name: asked.get(name, option.default) for name, option in known.items()}
