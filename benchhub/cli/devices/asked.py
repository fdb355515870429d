"""The devices that a verb is asked about, and those that it failed for the last time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.model.device import DeviceProfile

RERUN_FAILED = typer.Option(
    False, "--rerun-failed", help="Only the devices that failed when this was done last, here"
)


@dataclass(frozen=True, slots=True)
class AskedDevices:
    """Devices that a verb is asked about, with the place of each one's profile by its name."""

    verb: str
    devices: tuple[DeviceProfile, ...]
    places: Mapping[str, str]

    def say(self, text: str) -> None:
        """Say what goes on with one device, where it is the only one."""
        if len(self.devices) == 1:
            project.note(text)

    def keep(self, failed: Collection[str]) -> None:
        """Write down which of them failed, in the cache, for `--rerun-failed`."""
        from benchhub.outside.written import write_whole

        again = [self.places[one.name] for one in self.devices if one.name in failed]
        write_whole(_file(self.verb), json.dumps(again, indent=1), "set BENCHHUB_CACHE")

    def end(self, failed: Sequence[str], untried: Sequence[str], words: str, step: str) -> None:
        """Keep which devices failed, name them, and end the command: exit 3, or 130 if stopped.

        `words` say what failed devices did not do, `untried` were not asked when it was stopped.
        """
        from benchhub.errors import Interrupted, told_of

        self.keep({*failed, *untried})
        count = len(self.devices)
        if failed and count > 1:
            project.problem(
                f"{len(failed):,} of {count:,} devices {words}: {told_of(failed)}; {step}"
            )
        if untried:
            raise Interrupted(
                f"stopped: {len(untried):,} of {count:,} devices were not done; go on with"
                f" `benchhub devices {self.verb} --rerun-failed`"
            )
        if failed:
            raise typer.Exit(3)


def asked(
    verb: str, words: Sequence[str] | None, exclude: Sequence[str], rerun_failed: bool
) -> AskedDevices:
    """Return the devices that were named, or those that failed the last time.

    ConfigError: one is unknown, or a template; nothing failed yet.
    """
    from benchhub.config.catalogue import check_own
    from benchhub.config.fleet.chosen import Choice, places, profiles
    from benchhub.errors import ConfigError

    if rerun_failed:
        if words or exclude:
            raise ConfigError("--rerun-failed takes the devices that failed; name no others")
        found = _failed(verb)
    else:
        choice = Choice(tuple(words or ("localhost",)), tuple(exclude))
        found = places(choice, project.folder())
    devices = profiles(found)
    for device in devices:
        check_own(device.name, device.host)
    named = zip(devices, found, strict=True)
    return AskedDevices(verb, devices, {device.name: place for device, place in named})


def one_device(word: str) -> DeviceProfile:
    """Return the profile of the one device that a word means; ConfigError if it cannot be used."""
    from benchhub.config.catalogue import check_own
    from benchhub.config.fleet.chosen import place, profiles

    (device,) = profiles([place(word, project.folder())])
    check_own(device.name, device.host)
    return device


def _failed(verb: str) -> tuple[str, ...]:
    from benchhub.errors import ConfigError

    try:
        found = json.loads(_file(verb).read_text("utf-8"))
        if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
            raise ValueError("no list of texts")
    except FileNotFoundError:
        raise ConfigError(
            f"`benchhub devices {verb}` was not done in this folder yet: name its devices"
        ) from None
    except (OSError, ValueError, RecursionError):
        raise ConfigError(
            f"{_file(verb)} cannot be read, which has the devices that failed; name them"
        ) from None
    if not found:
        raise ConfigError(f"`benchhub devices {verb}` failed for no device the last time here")
    return tuple(found)


def _file(verb: str) -> Path:
    """Return what keeps the devices for which a verb failed in this project folder."""
    folder = sha256(str(project.folder()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return project.cache() / "failed-devices" / f"{verb}-{folder}.json"
