"""Backends that come with other distributions, by the entry-point group `benchhub.backends`.

An entry point's name is the backend's, its value the place of the description:

    [project.entry-points."benchhub.backends"]
    plain = "plain_onnx:BACKEND"
"""

import importlib
import importlib.metadata
import re
from typing import Any, List, NamedTuple

from benchhub.ondevice.description import BadDescription, Description, check

GROUP = "benchhub.backends"

_UNKNOWN_FIELD = re.compile(r"unexpected keyword argument '(\w+)'")
_LACKING_FIELDS = re.compile(r"missing \d+ required positional arguments?: (.*)")


class Registered(NamedTuple):
    """An entry point of the group: where the description is, and whose it is."""

    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return "%s %s" % (self.distribution, self.version)


def registered() -> List[Registered]:
    """Return every entry point of the group, in the order of `sys.path`; imports none of them."""
    found, seen = [], set()
    for one in importlib.metadata.distributions():
        points = [point for point in one.entry_points if point.group == GROUP]
        if not points:
            continue
        distribution = str(one.metadata["Name"])
        plain = re.sub("[-_.]+", "-", distribution).lower()
        if plain not in seen:  # what an earlier folder has hides what a later one has
            found += [Registered(p.name, p.value, distribution, one.version) for p in points]
        seen.add(plain)
    return found


def described(name: str) -> Description:
    """Return the description that a distribution registered; KeyError, BadDescription."""
    found = [one for one in registered() if one.name == name]
    if not found:
        raise KeyError(name)
    if len(found) > 1:
        text = "backend %s is registered by %s; uninstall all of them but one"
        raise BadDescription(text % (name, " and by ".join(map(str, found))))
    (whose,) = found
    try:
        one = _loaded(whose)
        if not isinstance(one, Description):
            text = "%s is of type %s; make it a Description of benchhub.ondevice.backends"
            raise BadDescription(text % (whose.value, type(one).__name__))
        check(one, name)
    except BadDescription as error:
        raise BadDescription("backend %s of %s: %s" % (name, whose, error)) from error
    return one._replace(registered_by=whose.distribution)


def _loaded(whose: Registered) -> Any:
    module, _, attribute = whose.value.partition(":")
    if not attribute:
        text = "its entry point names the module %s; name the description in it, as in %s:BACKEND"
        raise BadDescription(text % (module, module))
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise BadDescription(_explained(whose, error)) from error


def _explained(whose: Registered, error: Exception) -> str:
    text = " ".join(str(error).split())
    unknown, lacking = _UNKNOWN_FIELD.search(text), _LACKING_FIELDS.search(text)
    if isinstance(error, TypeError) and unknown:
        known = ", ".join(name for name in Description._fields if name != "registered_by")
        text = "its description has a field %s, which this benchhub does not know; it knows %s"
        return text % (unknown[1], known)
    if isinstance(error, TypeError) and lacking:
        return "its description lacks %s; give it what it has not" % lacking[1].replace("'", "")
    return "importing %s raised %s: %.200s; update or uninstall %s" % (
        whose.value,
        type(error).__name__,
        text,
        whose.distribution,
    )
