"""A request with its files read and its names checked."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.backends import described, names
from benchhub.config.catalogue import check_own, suite_file
from benchhub.config.fleet.chosen import profiles, with_places
from benchhub.config.fleet.words import meant
from benchhub.config.folders import expanded
from benchhub.config.limits import typed_budget
from benchhub.config.suite import load_suite
from benchhub.errors import ConfigError, nearest, told_of
from benchhub.model.arrays import Settings
from benchhub.model.asked import EFFORTS, Effort, Suite
from benchhub.model.device import DeviceProfile
from benchhub.model.request import RunRequest
from benchhub.ondevice.backends import BackendOption


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request with its files read: the suite as narrowed down, the devices, the effort.

    `left_out` are the scenarios of the suite that it was narrowed down without.
    """

    request: RunRequest
    suite: Suite
    suite_sha256: str
    devices: tuple[DeviceProfile, ...]
    effort: Effort
    left_out: tuple[str, ...] = ()

    @property
    def data(self) -> Path | None:
        """The user's copy of the dataset, or None for the built-in one."""
        return Path(self.request.data) if self.request.data else None


def located(request: RunRequest, project: Path) -> RunRequest:
    """Return `request` with the suite and devices as absolute paths; ConfigError if unknown."""
    return dataclasses.replace(
        with_places(request, project),
        suite=str(suite_file(request.suite, project).resolve()),
        data=str(expanded(request.data).resolve()) if request.data else None,
    )


def resolve(request: RunRequest) -> Resolved:
    """Return the suite and devices of a located request; ConfigError if they cannot be used."""
    path = Path(request.suite)
    suite = load_suite(path)
    check_backends(suite)
    backends = _narrow("backend", request.backends, suite.backends)
    names = _narrow("variant", request.variants, [v.name for v in suite.variants])
    # Losses and speed-ups need what they refer to, so it is never narrowed away.
    bases = {v.against for v in suite.variants if v.name in names}
    variants = tuple(v for v in suite.variants if v.name in {*names, *bases, suite.baseline})
    kept = {v.name for v in variants}
    for variant in variants:
        if variant.source and variant.source not in kept and variant.name not in request.given:
            raise ConfigError(
                f"variant {variant.name} is made from {variant.source};"
                f" add --variant {variant.source}"
            )
    devices = profiles(request.devices)
    for device in devices:
        check_own(device.name, device.host)
    labels = {device.name: device.labels for device in devices}
    budgets = (
        dataclasses.replace(budget, devices=meant(budget.devices, labels))
        for budget in suite.budgets
    )
    suite = dataclasses.replace(suite, budgets=tuple(budgets))
    if request.limits:
        suite = dataclasses.replace(suite, budgets=(*suite.budgets, typed_budget(request.limits)))
    wanted = _narrow("scenario", request.scenarios, [str(s.scenario) for s in suite.scenarios])
    return Resolved(
        request=request,
        suite=dataclasses.replace(
            suite,
            reference_device=_reference_device(
                suite, [device.name for device in devices], request.at_most
            ),
            backends=tuple(backends),
            variants=variants,
            scenarios=tuple(spec for spec in suite.scenarios if spec.scenario in wanted),
        ),
        suite_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        devices=devices,
        effort=EFFORTS[request.effort or suite.effort],
        left_out=tuple(str(s.scenario) for s in suite.scenarios if s.scenario not in wanted),
    )


def _reference_device(suite: Suite, devices: Sequence[str], at_most: int | None = None) -> str:
    """Return whose answers are the reference; empty: the controller's."""
    named = suite.reference_device
    if named is None and 1 in (len(devices), at_most):
        return devices[0]  # or which of them is taken: it is asked for again then
    if named is None:
        raise ConfigError(
            f'{suite.path}: suite.reference = "device", and the run has several'
            f' ({told_of(devices)}); say which: reference_device = "{devices[0]}"'
        )
    if named and named not in devices:
        raise ConfigError(
            f"{suite.path}: suite.reference_device = {named!r} is not among the devices of this"
            f" run ({told_of(devices)}); add --device {named}, or name another one"
            f"{meant if (meant := nearest(named, devices)).startswith('; did') else ''}"
        )
    return named


def check_backends(suite: Suite) -> None:
    """Raise ConfigError for a backend of `suite` that there is not, or an option it has not."""
    for backend in suite.backends:
        described(backend)
    _check_options(suite)


def _narrow(kind: str, wanted: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    _check_known(kind, wanted, known, " in this suite")
    return [name for name in known if name in wanted] if wanted else known


def _check_known(kind: str, wanted: Sequence[str], known: Sequence[str], where: str = "") -> None:
    for name in wanted:
        if name not in known:
            raise ConfigError(f"{kind} {name} is unknown{where}{nearest(name, known)}")


def _check_options(suite: Suite) -> None:
    for backend, chosen in suite.options.items():
        if backend not in suite.backends and backend not in names():
            hint = nearest(backend, suite.backends)
            raise ConfigError(f"{suite.path}: options.{backend}: no such backend{hint}")
        known = described(backend).options
        for name, value in chosen.items():
            key = f"{suite.path}: options.{backend}.{name}"
            if name not in known:
                raise ConfigError(f"{key} is unknown{nearest(name, known)}")
            for one in _swept(value):
                _check_option(key, one, known[name])
            _check_needs(key, value, known[name], chosen, known)


def _swept(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _check_needs(
    key: str,
    value: object,
    option: BackendOption,
    chosen: Settings,
    known: Mapping[str, BackendOption],
) -> None:
    if option.needs is None or _swept(value) == [option.default]:
        return
    other, wanted = option.needs
    if wanted not in _swept(chosen.get(other, known[other].default)):
        raise ConfigError(f"{key} changes nothing without {other} = {wanted!r}; add that")


def _check_option(key: str, value: object, option: BackendOption) -> None:
    if type(value) is not type(option.default):
        raise ConfigError(f"{key} = {value!r}: should be of type {type(option.default).__name__}")
    if option.choices and value not in option.choices:
        listed = [str(choice) for choice in option.choices]
        hint = nearest(str(value), listed)
        raise ConfigError(f"{key} = {value!r} is none of {', '.join(listed)}{hint}")
    if option.least is not None and isinstance(value, int) and value < option.least:
        raise ConfigError(f"{key} = {value!r}: should be {option.least} or more")
