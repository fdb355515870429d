"""The options of a recipe: which there are, their defaults, and what they accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings


@dataclass(frozen=True, slots=True)
class Option:
    """One option: a value is of the default's type, one of `choices` if there are any.

    `or_bool`: true and false will do beside these. A default of () stands for a list of texts.
    Numbers lie from `least` to `most`, both included; a whole number will do for a fraction.
    `words` say what it does, in the reference pages.
    """

    default: bool | int | float | str | tuple[str, ...]
    choices: tuple[str, ...] = ()
    least: float = 1
    most: float | None = None
    words: str = ""
    or_bool: bool = False

    def check(self, where: str, value: Any) -> None:
        """Raise ConfigError saying what is wanted unless `value` will do."""
        if self.or_bool and isinstance(value, bool):
            return
        if self.choices and value not in self.choices:
            known = (*self.choices, *(("true", "false") if self.or_bool else ()))
            raise ConfigError(f"{where} = {value!r} is unknown{nearest(str(value), known)}")
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise ConfigError(f"{where} must be true or false, not {value!r}")
        elif isinstance(self.default, str):
            if not isinstance(value, str):
                raise ConfigError(f"{where} must be a text, not {value!r}")
        elif isinstance(self.default, tuple):
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise ConfigError(
                    f'{where} must be a list of texts, like ["a", "b"], not {value!r}'
                )
        else:
            self._check_number(where, value)

    def _check_number(self, where: str, value: Any) -> None:
        whole = isinstance(self.default, int)
        fits = type(value) is int or (type(value) is float and not whole)
        if not fits or not self.least <= value or (self.most is not None and value > self.most):
            kind = "a whole number" if whole else "a number"
            limits = f"of at least {self.least:g}"
            if self.most is not None:
                limits = f"from {self.least:g} to {self.most:g}"
            raise ConfigError(f"{where} must be {kind} {limits}, not {value!r}")

    def settle(self, value: Any) -> Any:
        """Return a checked value in the default's type, so that 1 and 1.0 are one request."""
        if isinstance(self.default, tuple):
            return list(value)
        return float(value) if isinstance(self.default, float) else value


def complete(
    where: str, asked: Settings, known: Mapping[str, Option], others: bool = False
) -> Settings:
    """Return `asked` with the defaults of `known` filled in; ConfigError for what is not known.

    With `others`, options that are not known are passed on as they are.
    """
    passed = {}
    for name, value in asked.items():
        if name in known:
            known[name].check(f"{where}.{name}", value)
        elif others and isinstance(value, bool | int | float | str | list):
            passed[name] = value
        else:
            raise ConfigError(f"{where}.{name} is unknown{nearest(name, known)}")
    settled = {
        name: option.settle(asked.get(name, option.default)) for name, option in known.items()
    }
    return settled | passed
