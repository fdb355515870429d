"""One entry of a budget: which quantity it limits, and what it takes to keep it; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS, BudgetKey, Quantity
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario

#: Their percentiles are of other things under the same names; neither stands in for the other.
_OF_THEIR_OWN = (Scenario.LATENCY, Scenario.PACED)
#: In which order the entries of a budget are judged, by the scenario that measures them.
_ORDER = (
    Scenario.LATENCY, Scenario.PACED, Scenario.THROUGHPUT, Scenario.MEMORY, Scenario.COLD_START,
    None, Scenario.QUALITY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """One entry of a budget: the quantity, its key, and the limit in the quantity's unit.

    Limits on times are void on an emulated device and under a disturbance, those of memory on an
    emulated device.
    """

    quantity: Quantity
    key: BudgetKey
    limit: float

    @property
    def column(self) -> str:
        """The column that is limited."""
        return self.quantity.name

    @property
    def scenario(self) -> Scenario | None:
        """The scenario that measures it; None: it is the model file's."""
        return self.key.scenario

    @property
    def timing(self) -> bool:
        """Whether it is a time, which a disturbance makes longer."""
        return self.quantity.timing

    @property
    def is_loss(self) -> bool:
        """Whether it limits a loss of quality, which is judged by cases and not by launches."""
        return self.scenario is Scenario.QUALITY

    def in_own_scenario(self, row: Row) -> bool:
        """Return whether `row`'s column is what this limit is about."""
        return self.scenario not in _OF_THEIR_OWN or row.scenario == self.scenario

    def broken_by(self, value: float) -> bool:
        """Return whether `value` does not keep the limit."""
        return value < self.limit if self.key.at_least else value > self.limit


def limit_of(key: str, limit: float) -> Limit:
    """Return the entry `key` of a budget; KeyError if there is no such key."""
    found, quantity = BUDGET_KEYS[key]
    return Limit(quantity, found, limit)


def limits_of(budget: Budget) -> Iterator[Limit]:
    """Yield the entries of a budget in the order they are judged."""
    for scenario in _ORDER:
        for key, limit in budget.limits.items():
            if BUDGET_KEYS[key][0].scenario is scenario:
                yield limit_of(key, limit)
