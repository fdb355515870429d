"""The answer to whether a report was replicated: per figure, per row and per claim."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.stats.unpaired import Separation


class Replicated(enum.StrEnum):
    """What may be said; the worst of several counts, in this order from the worst."""

    NOT = "not replicated"
    UNTOLD = "cannot be told"
    REPLICATED = "replicated"


def worst(of: Iterable[Replicated]) -> Replicated:
    """Return what several answers come to; of none nothing can be told."""
    order = list(Replicated)
    return min(of, key=order.index, default=Replicated.UNTOLD)


@dataclass(frozen=True, slots=True)
class FigureLimits:
    """A figure with its limits; None: it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ReplicatedFigure:
    """A figure of a row, theirs and ours, and what follows; `ours` None: it was not measured here.

    `apart` is ours less theirs, of a `ratio` on the log scale; None: they could not be compared.
    `exact`: both are of the same cases, so that nothing is left to chance. `doubt` is why a
    difference would say nothing, `launches` how many here would suffice: None: nobody knows, or no
    number would.
    """

    quantity: str
    ratio: bool
    theirs: FigureLimits
    ours: FigureLimits | None
    outcome: Replicated = Replicated.UNTOLD
    reason: str = ""
    apart: Separation | None = None
    exact: bool = False
    doubt: str = ""
    launches: int | None = None

    @property
    def by(self) -> FigureLimits | None:
        """Ours over theirs where it is a ratio, else ours less theirs."""
        if self.apart is None:
            return None
        ends = (self.apart.estimate, self.apart.low, self.apart.high)
        return FigureLimits(*(_power(end) if self.ratio else end for end in ends))


@dataclass(frozen=True, slots=True)
class ReplicatedRow:
    """A row of the report, what it was held against, its figures; `reason` where it has none.

    `doubts` are what was flagged that a difference may come of: of its times, and of its speed-up.

    `notes` are what is odd about it by itself, or about the model here.
    """

    row: PublishedRow
    ours: PublishedRow | None
    figures: tuple[ReplicatedFigure, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, str] = ("", "")

    @property
    def outcome(self) -> Replicated:
        """The worst of its figures."""
        return worst(one.outcome for one in self.figures)


@dataclass(frozen=True, slots=True)
class ReplicatedClaim:
    """Something that the report says in words: of what kind, theirs and ours, what follows."""

    of: str
    text: str
    theirs: str
    ours: str
    outcome: Replicated
    reason: str


@dataclass(frozen=True, slots=True)
class ReportedDevice:
    """A device of the report; `unlike`: in what the one here is of another kind, empty: none."""

    name: str
    unlike: str


@dataclass(frozen=True, slots=True)
class Replication:
    """A report held against a run; `ours` None: nothing could be measured.

    `looked_at` is the number of figures whose equality was asked, among which those that differ
    were found. `left_out` rows have no figure that is compared; `elsewhere` are devices of theirs
    that nobody asked about. `failed` says what failed here that had not there.
    """

    theirs: PublishedReport
    ours: PublishedReport | None
    margin: float
    quality_margin: float
    devices: tuple[ReportedDevice, ...]
    elsewhere: tuple[str, ...]
    rows: tuple[ReplicatedRow, ...]
    claims: tuple[ReplicatedClaim, ...]
    differences: tuple[str, ...]
    looked_at: int
    left_out: int
    failed: tuple[str, ...] = ()

    @property
    def outcome(self) -> Replicated:
        """The worst of all rows and claims."""
        return worst([*(one.outcome for one in self.rows), *(one.outcome for one in self.claims)])

    @property
    def exit_code(self) -> int:
        """3 where something failed here alone, else 1 not replicated, 4 cannot be told, 0."""
        if self.failed:
            return 3
        return {Replicated.NOT: 1, Replicated.UNTOLD: 4, Replicated.REPLICATED: 0}[self.outcome]


def _power(log: float) -> float:
    return math.exp(max(min(log, 700.0), -700.0))
