"""Which devices are meant by what was written, and their profiles, wherever these are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchhub.config.catalogue import FLEET_FILE, profile_file
from benchhub.config.fleet.file import load_fleet
from benchhub.config.fleet.group import Group
from benchhub.config.fleet.known import IN_FILE, Known, nearest_device
from benchhub.config.fleet.words import Word, is_plain, words_of
from benchhub.config.folders import expanded
from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError, nearest
from benchhub.model.device import DeviceProfile
from benchhub.model.request import RunRequest

R = TypeVar("R", bound=RunRequest)


@dataclass(frozen=True, slots=True)
class Choice:
    """Devices as they are asked for: words, less those that the words of `exclude` are about.

    `at_most`: of those so many healthy ones will do; see `benchhub.run.devices.healthy`.
    """

    words: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    at_most: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is devices by their own names, each of which is meant."""
        return not self.exclude and self.at_most is None and all(map(is_plain, self.words))


def places(choice: Choice, project: Path) -> tuple[str, ...]:
    """Return where the profile of each device is that a choice is about, in the order asked for.

    A device that is named twice is there twice, which `profiles` refuses; one that a pattern finds
    again is there once. ConfigError: a name is unknown, a pattern or label has no device, none is
    left.
    """
    known = Known.of(project)
    found: list[str] = []
    seen: set[str] = set()
    named: set[str] = set()
    for place, is_named in _places(choice.words, known):
        if place not in seen or (is_named and place in named):
            found.append(place)
        seen.add(place)
        if is_named:
            named.add(place)
    out = {place for place, _ in _places(choice.exclude, known)}
    left = tuple(place for place in found if place not in out)
    if not left:
        raise ConfigError(
            f"no device is left: --exclude {' '.join(choice.exclude)} leaves out every one of"
            f" {' '.join(choice.words)}"
        )
    return left


def with_places(request: R, project: Path) -> R:
    """Return a request whose `devices` are places, from one whose `devices` are words.

    Where the words are not devices one by one, they are kept as what was asked. ConfigError as of
    `places`.
    """
    choice = Choice(request.devices, request.exclude, request.at_most)
    found = places(choice, project)
    named = choice.is_plain and len(found) == len(choice.words)  # and none of them a group
    return dataclasses.replace(request, devices=found, asked=() if named else choice.words)


def profiles(found: Sequence[str]) -> tuple[DeviceProfile, ...]:
    """Return the profile at each of `places`; ConfigError: one cannot be used, or comes twice."""
    groups: dict[str, dict[str, Group]] = {}
    devices: dict[str, DeviceProfile] = {}
    for place in found:
        file, name = _split(place)
        if name is None:
            device = load_profile(Path(place))
        else:
            if file not in groups:
                groups[file] = {one: of for of in load_fleet(Path(file)) for one in of.hosts}
            group = groups[file].get(name)
            if group is None:
                raise ConfigError(f"{file} has no device {name}{nearest(name, groups[file])}")
            device = group.profile(name)
        if device.name in devices:
            raise ConfigError(f"device {device.name} is given twice; name each device once")
        devices[device.name] = device
    return tuple(devices.values())


def place(word: str, project: Path) -> str:
    """Return the one place that a word stands for; ConfigError: it is none, or several."""
    found = places(Choice((word,)), project)
    if len(found) > 1:
        one = profiles(found[:1])[0].name
        raise ConfigError(f"{word} is {len(found):,} devices; name one, as {one}")
    return found[0]


def _split(place: str) -> tuple[str, str | None]:
    """Return a place's file, and the device in it that is meant if it is a fleet file."""
    file, mark, name = place.rpartition(IN_FILE)
    if mark and Path(file).name == FLEET_FILE and not Path(place).is_file():
        return file, name
    return place, None


def _places(texts: Sequence[str], known: Known) -> Iterator[tuple[str, bool]]:
    """Yield the place of each device that is meant, and whether it was named itself."""
    for text in texts:
        yield from _of_file(text) or (
            found for word in words_of([text]) for found in _of_word(word, known)
        )


def _of_file(text: str) -> list[tuple[str, bool]]:
    """Return the places that the path of a profile, or of a fleet file, stands for."""
    file, words = _split(text)
    path = expanded(file)
    if path.suffix != ".toml":
        return []
    if path.name != FLEET_FILE:
        return [(str(profile_file(text, path.parent).resolve()), True)]
    if not path.is_file():
        raise ConfigError(f"{file}: no such fleet file; `benchhub init` writes an example")
    inside = Known.in_file(path)
    if words is None:
        return [(inside.place(name), False) for name in inside.every()]
    return [found for word in words_of([words]) for found in _of_word(word, inside)]


def _of_word(word: Word, known: Known) -> Iterator[tuple[str, bool]]:
    if word.name is not None:
        if word.name in known:
            yield known.place(word.name), True
        elif group := known.groups.get(word.name):
            yield from ((known.place(name), False) for name in group.hosts)
        else:
            raise known.unknown(word.name)
        return
    found = [name for name in known.names() if word.holds(name, known.labels)]
    if not found:
        raise ConfigError(_nothing(word, known))
    yield from ((known.place(name), False) for name in found)


def _nothing(word: Word, known: Known) -> str:
    """Return what is said of a pattern without any device: of a label the nearest one."""
    names = list(known.names())
    for term in word.terms:
        if not any(term.holds(name, known.labels) for name in names):
            if term.key:
                return f"no device has the label {term}{known.near_label(str(term))}"
            return f"no device matches {term.text}{nearest_device(term.text, list(known.every()))}"
    return f"no device is all of {word.text}; several --device are one or the other"
