"""One entry of a budget: which column it limits, and what it takes to keep it; pure."""

from __future__ import annotations

from dataclasses import dataclass

from benchhub.model.row import Row
from benchhub.model.scenario import Scenario

MIN_LAUNCHES = 10
#: A median over five launches is below the largest of them with 97 %.
MIN_LAUNCHES_OF_MEDIAN = 5
#: Their percentiles are of other things under the same names; neither stands in for the other.
_OF_THEIR_OWN = (Scenario.LATENCY, Scenario.PACED)


@dataclass(frozen=True, slots=True)
class Limit:
    """One entry of a budget: the column it limits and the scenario that measures it.

    `timing` limits are void on an emulated device and under a disturbance, those of memory on an
    emulated device; `at_least` turns the comparison round.
    """

    column: str
    limit: float
    scenario: Scenario | None
    timing: bool = False
    at_least: bool = False
    min_launches: int = 0

    def in_own_scenario(self, row: Row) -> bool:
        """Return whether `row`'s column is what this limit is about."""
        return self.scenario not in _OF_THEIR_OWN or row.scenario == self.scenario

    def broken_by(self, value: float) -> bool:
        """Return whether `value` does not keep the limit."""
        return value < self.limit if self.at_least else value > self.limit
