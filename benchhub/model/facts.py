"""What a device says it is, and what a run says of itself: open lists, read in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class BackendFact:
    """A backend on a device: its version, or why it has none; `python`: in an environment of its
    own."""

    version: str | None
    reason: str | None = None
    python: str | None = None


@dataclass(frozen=True, slots=True)
class GpuFact:
    """A GPU of a device."""

    name: str | None
    vendor: str | None
    driver: str | None


@dataclass(frozen=True, slots=True)
class Throttled:
    """What holds a device's clock down now, and what did since it was started, in words."""

    now: tuple[str, ...] = ()
    occurred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """A device's facts as `told`, names to JSON values; None where it could not tell.

    What is asked for by name has a property here; the rest is shown and compared as it is.
    """

    told: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return a fact in words; None: the device did not tell."""
        value = self.told.get(name)
        return None if value in (None, "") else str(value)

    def number(self, name: str) -> float | None:
        """Return a fact that is a number; None: the device did not tell."""
        value = self.told.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def words(self, name: str) -> tuple[str, ...] | None:
        """Return a fact that is a list of words; None: the device did not tell."""
        value = self.told.get(name)
        return tuple(map(str, value)) if isinstance(value, list | tuple) else None

    @property
    def arch(self) -> str | None:
        """The processor's architecture."""
        return self.text("arch") or self.text("machine")

    @property
    def backends(self) -> Mapping[str, BackendFact]:
        """The backends it was asked about."""
        return {
            name: BackendFact(one.get("version"), one.get("reason"), one.get("python"))
            for name, one in _mapping(self.told.get("backends")).items()
            if isinstance(one, Mapping)
        }

    @property
    def gpus(self) -> tuple[GpuFact, ...]:
        """Its GPUs."""
        return tuple(
            GpuFact(one.get("name"), one.get("vendor"), one.get("driver"))
            for one in _listed(self.told.get("gpus"))
            if isinstance(one, Mapping)
        )

    @property
    def throttled(self) -> Throttled | None:
        """What holds its clock down; None: nothing on the device tells."""
        known = self.told.get("throttled")
        if not isinstance(known, Mapping):
            return None
        now, occurred = (tuple(map(str, _listed(known.get(when)))) for when in ("now", "occurred"))
        return Throttled(now, occurred)

    @property
    def packages(self) -> Mapping[str, str]:
        """The versions of the packages the runner needs, of those that are installed."""
        return {name: str(of) for name, of in _mapping(self.told.get("packages")).items() if of}

    def public(self) -> Facts:
        """Return the facts without folders and names of the machine: reports are published."""
        known = {name: value for name, value in self.told.items() if name not in _PRIVATE}
        if "backends" in known:  # their reasons and interpreters name folders
            known["backends"] = {
                name: {"version": one.version, "provisioned": bool(one.python)}
                for name, one in self.backends.items()
            }
        return Facts(known)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


#: They stay in the store, and `benchhub devices show` tells them.
_PRIVATE = frozenset({"boot_id", "executable", "hostname", "root"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a reader needs to repeat a run, as `told`: versions, the command, data, seeds."""

    told: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return an entry; empty: the run did not keep it."""
        return str(self.told.get(name, ""))

    @property
    def seed(self) -> int:
        """What quality is resampled with: the suite's seed; 0 in runs that kept none."""
        return int(self.get("seed")) if self.get("seed").isdecimal() else 0

    @property
    def reference_device(self) -> str:
        """The device whose answers are the reference; empty: the controller's."""
        return self.get("reference_device")

    @property
    def below_chance_allowed(self) -> bool:
        """Whether the suite takes a baseline no better than one answer for all cases."""
        return self.get("baseline_below_chance") == "true"

    @property
    def left_out(self) -> tuple[str, ...]:
        """The suite's scenarios that a run was narrowed down without."""
        return tuple(self.get("scenarios_left_out").split())

    @property
    def max_relative_disagreement(self) -> float | None:
        """From where outputs count as garbage; None: by the default."""
        return float(limit) if (limit := self.get("max_relative_disagreement")) else None
