"""Session options that were typed, `arena=false`: the names of a suite's `[options.B]`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.backends import every
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings
from benchhub.ondevice.backends import Description


def typed_options(texts: Sequence[str], backends: Sequence[Description]) -> Mapping[str, Settings]:
    """Return options by backend, each with its value, or with a list of several, a sweep.

    `NAME=VALUE` is of every backend that has such an option, `BACKEND.NAME=VALUE` of one; values
    have commas between them. ConfigError for an option that none of them has.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        of, dot, name = key.strip().rpartition(".")
        if not (name and equals and value.strip()):
            raise ConfigError(f"--option {text}: should be NAME=VALUE, as arena=false")
        mine = [one for one in backends if one.name == of] if dot else list(backends)
        if not mine:
            names = [one.name for one in backends]
            raise ConfigError(f"--option {text}: {of} is not measured here{nearest(of, names)}")
        having = [one for one in mine if name in one.options]
        if not having:
            known = [option for one in mine for option in one.options]
            whose = " and ".join(one.name for one in mine)
            raise ConfigError(
                f"--option {text}: {whose} {'have' if len(mine) > 1 else 'has'} no option"
                f" {name}{nearest(name, known)}"
            )
        for one in having:
            if name in found.setdefault(one.name, {}):
                raise ConfigError(
                    f"--option {text}: {name} is given twice; several values are one list, 1,2"
                )
            found[one.name][name] = _values(value)
    return found


def check_precisions(precisions: Sequence[str]) -> None:
    """Raise ConfigError for a precision that no backend computes in."""
    known = dict.fromkeys(name for one in every()[0] for name in one.precisions)
    for one in precisions:
        if one not in known:
            raise ConfigError(f"--precision {one} is unknown{nearest(one, list(known))}")


def _values(text: str) -> Any:
    values = [_value(word.strip()) for word in text.split(",")]
    return values if len(values) > 1 else values[0]


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word
