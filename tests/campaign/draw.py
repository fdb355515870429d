"""What a seed stands for: devices, how much they measure, faults. The same on every machine."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from campaign.fault import Fault
from campaign.faults import ALL
from campaign.faults.rivals import TwoControllers
from campaign.ready import Asked
from campaign.site import NEEDS, OF_THE_LAB, Kind

#: Counted up when the same seed would draw something else: outcomes of another are not comparable.
VERSION = 1
#: The kinds of devices beside the victims, with their weights.
_BESIDE = {Kind.IN_PROCESS: 6, Kind.PIPES: 3, Kind.SSH: 1}
#: How often there is a second fault.
_TWO_FAULTS = 0.25


@dataclass(frozen=True, slots=True)
class Scenario:
    """Devices by name: their kinds, what is asked of them, how fast they are; and faults."""

    seed: int
    kinds: Mapping[str, Kind]
    asked: Mapping[str, Asked]
    paces_s: Mapping[str, float]
    faults: tuple[Fault, ...]

    @property
    def needs(self) -> frozenset[str]:
        """The words of `Site` for what it needs."""
        devices = (NEEDS[kind] for kind in self.kinds.values())
        return frozenset().union(*devices, *(fault.needs for fault in self.faults))

    @property
    def alone_with(self) -> frozenset[str]:
        """What it needs of that there is one for all scenarios, and that it may break."""
        lab = {"lab"} if OF_THE_LAB & set(self.kinds.values()) else set()
        return frozenset(lab | (self.needs & {"postgresql"}))

    @property
    def healthy(self) -> frozenset[str]:
        """The devices that nothing strikes."""
        return frozenset(self.kinds) - {fault.victim for fault in self.faults}


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    dice = random.Random(f"benchhub campaign {VERSION} {seed}")
    first, second = _one_fault(dice), None
    if dice.random() < _TWO_FAULTS:
        second = _one_fault(dice)
    kinds: dict[str, Kind] = {}
    faults: list[Fault] = []
    for number, found in enumerate(filter(None, (first, second))):
        name = ""
        kind = _chosen(dice, found.kinds) if found.kinds else None
        shared = [one for one in kinds if kinds[one] in found.kinds]
        if kind is not None and shared and dice.random() < 0.5:
            name = shared[0]
            kind = kinds[name]
        elif kind is not None:
            name = f"struck-{number + 1}"
            kinds[name] = kind
        faults.append(found(dice, name, kind))
    for number in range(dice.choice((0, 1, 1, 2)) if kinds else dice.choice((1, 2, 3))):
        kinds[f"beside-{number + 1}"] = _chosen(dice, _BESIDE)
    if any(isinstance(one, TwoControllers) and one.same_run for one in faults):
        kinds = _with_leases(kinds)
        faults = [one for one in faults if not one.victim or kinds[one.victim] is one.kind]
    return Scenario(
        seed,
        kinds,
        {name: _asked(dice, kind) for name, kind in kinds.items()},
        {name: round(dice.uniform(0.005, 0.06), 3) for name in kinds},
        tuple(faults),
    )


def _one_fault(dice: random.Random) -> type[Fault]:
    return dice.choices(ALL, [fault.weight for fault in ALL])[0]


def _chosen(dice: random.Random, weights: Mapping[Kind, float]) -> Kind:
    return dice.choices(list(weights), list(weights.values()))[0]


def _with_leases(kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """Two controllers of one run meet at leases alone, which devices within neither have."""
    return {name: Kind.PIPES if kind is Kind.IN_PROCESS else kind for name, kind in kinds.items()}


def _asked(dice: random.Random, kind: Kind) -> Asked:
    if kind is Kind.MACHINE:
        return Asked(1, 2)
    if kind is Kind.REAL:
        return Asked(dice.choice((1, 2)), 2)
    return Asked(dice.choice((1, 2, 3)), dice.choice((2, 3)))
