"""Where work waits its turn: first come, first served, by one server or several."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import simpy


@dataclass(slots=True)
class Station:
    """Servers with one queue; what a visit takes is known when it begins to wait.

    So the end of a visit is known at once, and one event does where a resource needs three: in
    order of arrival that is the same, which a test holds against simpy.Resource.
    """

    env: simpy.Environment
    servers: int = 1
    busy_s: float = 0.0
    waited_s: float = 0.0
    visits: int = 0
    #: Nothing begins between these two.
    closed: tuple[float, float] = (0.0, 0.0)
    _free_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free_at = [0.0] * self.servers

    def visit(self, service_s: float, then_s: float = 0.0) -> simpy.Timeout:
        """Return the event of having been served; `then_s` passes after it, without a server.

        Who asks for nothing does not wait.
        """
        if not service_s:
            return self.env.timeout(then_s)
        return self.env.timeout(self.take(service_s) - self.env.now + then_s)

    def take(self, service_s: float) -> float:
        """Return when a visit ends that begins to wait now, of which nobody wants to be told."""
        now = self.env.now
        begins = max(now, self._free_at[0])
        if self.closed[0] <= begins < self.closed[1]:
            begins = self.closed[1]
        ends = begins + service_s
        heapq.heapreplace(self._free_at, ends)
        self.busy_s += service_s
        self.waited_s += begins - now
        self.visits += 1
        return ends

    def utilization(self, over_s: float) -> float:
        """Return which share of its servers' time it worked."""
        return self.busy_s / (self.servers * over_s) if over_s else 0.0
