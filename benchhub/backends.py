"""The backends that this installation knows, as they describe themselves.

Their runtimes need not be installed here. What a third party describes wrongly is one line.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from benchhub.errors import ConfigError, nearest
from benchhub.ondevice import backends, third_parties
from benchhub.ondevice.backends import BadDescription, Description


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of all backends, third parties' included; reads no description."""
    return tuple(sorted({*backends.own_names(), *(one.name for one in _registered())}))


@functools.cache
def described(name: str) -> Description:
    """Return how a backend describes itself.

    ConfigError where there is none of that name, or two, or its description cannot be used.
    """
    try:
        found = backends.described(name)
    except KeyError:
        raise ConfigError(f"backend {name} is unknown{nearest(name, _suggested())}") from None
    except BadDescription as error:
        raise ConfigError(str(error)) from error
    others = [str(one) for one in _registered() if one.name == name]
    if not found.registered_by and others:
        raise ConfigError(
            f"backend {name} is benchhub's own, and {' and '.join(others)} registers one of that"
            " name, too; uninstall it, or give its entry point another name"
        )
    return found


def every() -> tuple[tuple[Description, ...], dict[str, str]]:
    """Return every backend that can be used, and by name why others cannot."""
    found: list[Description] = []
    broken: dict[str, str] = {}
    for name in names():
        try:
            found.append(described(name))
        except ConfigError as error:
            broken[name] = str(error)
    return tuple(found), broken


@functools.cache
def gpu_words(name: str) -> tuple[str, ...]:
    """Return the words that tell that a GPU computed a row of this backend.

    Of one that is not known here, as in a run of somebody else's, those of benchhub's own.
    """
    try:
        return described(name).gpu
    except ConfigError:
        own = (backends.described(one).gpu for one in backends.own_names())
        return tuple(dict.fromkeys(word for words in own for word in words))


@functools.cache
def _registered() -> tuple[third_parties.Registered, ...]:
    return tuple(third_parties.registered())


def _suggested() -> Iterator[str]:
    own = set(backends.own_names())
    return (one for one in names() if one not in own or not backends.described(one).for_tests)
