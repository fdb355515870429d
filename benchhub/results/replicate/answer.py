"""The answer to whether a report was replicated: per figure, per row and per claim."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.stats.two_intervals import Apart


class Outcome(enum.StrEnum):
    """What may be said; the worst of several counts, in this order from the worst."""

    NOT = "not replicated"
    UNTOLD = "cannot be told"
    REPLICATED = "replicated"


def worst(of: Iterable[Outcome]) -> Outcome:
    """Return what several answers come to; of none nothing can be told."""
    order = list(Outcome)
    return min(of, key=order.index, default=Outcome.UNTOLD)


@dataclass(frozen=True, slots=True)
class Limits:
    """A figure with its limits; None: it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class HeldFigure:
    """A figure of a row, theirs and ours, and what follows; `ours` None: it was not measured here.

    `apart` is ours less theirs, of a `ratio` on the log scale; None: they could not be compared.
    `exact`: both are of the same cases, so that nothing is left to chance. `doubt` is why a
    difference would say nothing, `launches` how many here would suffice: None: nobody knows, or no
    number would.
    """

    quantity: str
    ratio: bool
    theirs: Limits
    ours: Limits | None
    outcome: Outcome = Outcome.UNTOLD
    reason: str = ""
    apart: Apart | None = None
    exact: bool = False
    doubt: str = ""
    launches: int | None = None

    @property
    def by(self) -> Limits | None:
        """Ours over theirs where it is a ratio, else ours less theirs."""
        if self.apart is None:
            return None
        ends = (self.apart.estimate, self.apart.low, self.apart.high)
        return Limits(*(_power(end) if self.ratio else end for end in ends))


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row of the report, what it was held against, and its figures; `reason` where it has none.

    `notes` are what is odd about it by itself, or about the model here.
    """

    row: PublishedRow
    ours: PublishedRow | None
    figures: tuple[HeldFigure, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of its figures."""
        return worst(one.outcome for one in self.figures)


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """Something that the report says in words: what kind of thing, theirs and ours, what follows."""

    of: str
    text: str
    theirs: str
    ours: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class HeldDevice:
    """A device of the report; `unlike` is in what the one here is of another kind, empty: of its."""

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
    devices: tuple[HeldDevice, ...]
    elsewhere: tuple[str, ...]
    rows: tuple[HeldRow, ...]
    claims: tuple[HeldClaim, ...]
    differences: tuple[str, ...]
    looked_at: int
    left_out: int
    failed: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of all rows and claims."""
        return worst(one.outcome for one in (*self.rows, *self.claims))

    @property
    def exit_code(self) -> int:
        """3 where something failed here alone, else 1 not replicated, 4 cannot be told, 0."""
        if self.failed:
            return 3
        return {Outcome.NOT: 1, Outcome.UNTOLD: 4, Outcome.REPLICATED: 0}[self.outcome]


def _power(log: float) -> float:
    return math.exp(max(min(log, 700.0), -700.0))
