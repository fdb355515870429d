"""What is recommended: for each device a pick, a tie, or why there is neither."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import VerdictOutcome


class Advice(enum.StrEnum):
    """What can be said of a device."""

    #: One keeps all limits, and none that may keep them is faster by more than the margin.
    SHIP = "ship"
    #: Several keep all limits, and which of them is faster cannot be told.
    TIE = "tie"
    #: One keeps all limits; another that may keep them, too, may be faster, or was not seen.
    OPEN = "open"
    #: None is known to keep all limits, and some may.
    UNDECIDED = "undecided"
    #: All break a limit.
    NONE = "none"
    #: Nothing was measured that could be chosen.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A limit held against a candidate, as one of several that were looked at.

    `verdict` is what the gate says of it alone; `worst` is the end of its interval that decides,
    moved out for the number of candidates, None where no interval decides.
    """

    verdict: Verdict
    outcome: VerdictOutcome
    worst: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """A variant on a backend with its settings, and every limit that it was held to.

    `wrong` says why its outputs are not those that were meant; empty: they are.
    """

    row: Row
    value: float
    low: float | None
    high: float | None
    evidence: tuple[Evidence, ...] = ()
    wrong: str = ""

    @property
    def outcome(self) -> VerdictOutcome:
        """FAIL where it is wrong or breaks a limit, PASS where it keeps all, else INCONCLUSIVE."""
        found = {one.outcome for one in self.evidence}
        if self.wrong:
            return VerdictOutcome.FAIL
        for worse in (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE):
            if worse in found:
                return worse
        return VerdictOutcome.PASS

    @property
    def by_limit(self) -> tuple[Evidence, ...]:
        """The evidence that decides on each limit: of several cells, that which looks worst."""
        found: dict[tuple[str, str], Evidence] = {}
        for one in self.evidence:
            key = one.verdict.budget, one.verdict.key
            if key not in found or _BADNESS[one.outcome] > _BADNESS[found[key].outcome]:
                found[key] = one
        return tuple(found.values())


_BADNESS = {VerdictOutcome.PASS: 0, VerdictOutcome.INCONCLUSIVE: 1, VerdictOutcome.FAIL: 2}


@dataclass(frozen=True, slots=True)
class Rival:
    """Another candidate beside the pick: how many times as good the pick is, with limits.

    `launches` of each would tell the two apart if the ratio stays; None: more than anybody makes,
    or there is nothing to tell. `doubt` says why the two cannot be compared.
    """

    candidate: Contender
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    launches: int | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """What was to be measured and has no figure to be chosen by, and why.

    `open`: what it would be worth is not known; a cell that failed cannot be shipped as it is, nor
    can one that breaks a limit.
    """

    row: Row
    why: str
    open: bool


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What is recommended on one device.

    `ties` keep all limits and may be as good as the pick, or better; `rivals` may be better, and
    may keep all limits; `runner_up` is surely no better. Where all break a limit, `nearest` misses
    least; `why` says what stands in the way. `unseen` could not be looked at. `free_of` are
    limits on the device that are about others than the pick: it was not held to them.
    """

    device: str
    kind: Advice
    candidates: tuple[Contender, ...] = ()
    pick: Contender | None = None
    ties: tuple[Rival, ...] = ()
    rivals: tuple[Rival, ...] = ()
    runner_up: Rival | None = None
    nearest: Contender | None = None
    why: str = ""
    unseen: tuple[Unseen, ...] = ()
    free_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What the one choice for all costs a device: how many times its own best it takes."""

    device: str
    candidate: Contender
    own: Contender
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ForAll:
    """One choice for a group of devices: the one whose worst cost is least.

    `setting` is variant, backend and what else the cells of all devices share. None is known to
    keep all limits everywhere: `why` tells. Those that may, and may be better, are `undecided`.
    """

    setting: str = ""
    costs: tuple[Cost, ...] = ()
    ties: tuple[str, ...] = ()
    why: str = ""
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatFailed:
    """What a run was to measure and could not, whatever is recommended of the rest.

    Rows of cells that failed; devices that stopped early, with the reason of each; variants that
    could not be made or be run, as `variant on backend`.
    """

    cells: tuple[Row, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    unmade: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cells or self.devices or self.unmade)

    def and_of(self, other: WhatFailed) -> WhatFailed:
        """Return what failed here and in another run."""
        return WhatFailed(
            (*self.cells, *other.cells),
            {**self.devices, **other.devices},
            tuple(dict.fromkeys((*self.unmade, *other.unmade))),
        )


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What is recommended of a run, by `objective`, a quantity; `margin` is told as a tie.

    `failed` is of the devices that were asked about.
    """

    run: str
    objective: str
    margin: float
    limits: tuple[tuple[str, Mapping[str, float]], ...]
    devices: tuple[DeviceAnswer, ...]
    for_all: ForAll | None = None
    notes: tuple[str, ...] = field(default=())
    failed: WhatFailed = field(default_factory=WhatFailed)
