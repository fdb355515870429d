"""A figure of a row: its value, how sure it is, and why it is not shown where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The method of what is no measurement: the baseline against itself.
BY_DEFINITION = "by definition"


@dataclass(frozen=True, slots=True)
class Look:
    """A percentile over the first `launches` launches with its one-sided limits, in one unit.

    A limit that the samples do not bound is None. A coarse clock has widened both by its step.
    `most` is the longest of all calls, warm-up included; None where they are too few, or of too few
    launches, for a call that nobody saw to be rarer than the percentile leaves out.
    """

    launches: int
    iterations: int
    estimate: float
    low: float | None
    high: float | None
    n_eff: float
    most: float | None = None

    def in_units_of(self, unit: float) -> Look:
        """Return it with its figures divided by `unit`."""
        low = None if self.low is None else self.low / unit
        high = None if self.high is None else self.high / unit
        most = None if self.most is None else self.most / unit
        return Look(
            self.launches, self.iterations, self.estimate / unit, low, high, self.n_eff, most
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interval:
    """The limits of a figure (None: unknown), and how they were found.

    `confidence` is what they attain, `n_eff` the independent values that they rest on, `cases` the
    cases. `looks` are what a budget is judged by; `against` is the variant that a speed-up refers
    to. `by_launch` is a percentile of each launch by itself, where a budget asks for it.
    """

    low: float | None
    high: float | None
    method: str
    confidence: float | None = None
    n_eff: float | None = None
    cases: int | None = None
    looks: tuple[Look, ...] = ()
    against: str = ""
    by_launch: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """What a row has of a quantity; no value: not measured, or `withheld` for that reason."""

    value: float | None = None
    interval: Interval | None = None
    withheld: str = ""

    @property
    def low(self) -> float | None:
        """The lower limit; None: unknown."""
        return self.interval.low if self.interval else None

    @property
    def high(self) -> float | None:
        """The upper limit; None: unknown."""
        return self.interval.high if self.interval else None

    @property
    def by_definition(self) -> bool:
        """Whether it is the baseline against itself, and no measurement."""
        return self.interval is not None and self.interval.method == BY_DEFINITION

    @property
    def looks(self) -> tuple[Look, ...]:
        """What a budget is judged by; empty: all launches at once."""
        return self.interval.looks if self.interval else ()


#: What a row has of what was not measured.
NOT_MEASURED = Figure()


@dataclass(frozen=True, slots=True)
class LossLimits:
    """A loss with its two-sided 95 % interval, and the one-sided limit a budget is held against.

    Limits that are not known are None.
    """

    estimate: float
    low: float | None
    high: float | None
    upper_one_sided: float | None


@dataclass(frozen=True, slots=True)
class MetricFigures:
    """What one metric says of a row's outputs, and of their loss against the baseline's.

    `share` is the loss as a share of the baseline's size, None where that is 0. `cases` were
    judged, in `groups` that were drawn whole; `parts` are the metric by label. `chance` is what a
    model reaches that answers the same for every case; None: not known.
    """

    metric: str
    unit: str
    higher_is_better: bool
    value: float
    low: float | None
    high: float | None
    loss: LossLimits
    share: LossLimits | None
    method: str
    baseline: float
    groups: int
    cases: int
    parts: Mapping[str, float] = field(default_factory=dict)
    chance: float | None = None

    @property
    def below_chance(self) -> bool:
        """Whether the baseline is no better than a model that answers the same for every case.

        With as much as that has it may be one, and then no answer could be worse.
        """
        if self.chance is None:
            return False
        better = (
            self.baseline - self.chance if self.higher_is_better else self.chance - self.baseline
        )
        return better <= 1e-9 * max(1.0, abs(self.chance))

    @property
    def by_definition(self) -> bool:
        """Whether it is the baseline itself, whose loss is 0 without limits."""
        return self.method == BY_DEFINITION
