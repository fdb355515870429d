"""How long the calls of a cell took: of all launches together, and the range over these; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.launch import Launch
from benchhub.model.row import Distribution
from benchhub.results.rows.launch_values import NS_PER_MS
from benchhub.stats.quantile import values_at

#: Close together where calls are few, since the slow ones are what is looked for.
SHARES = (
    0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99,
    1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Steady:
    """The calls of a launch without its warm-up; `place` is the launch's among all of the cell."""

    place: int
    calls_ns: Ints
    ordered_ns: Ints


def distribution(
    launches: Sequence[Launch], steady: Sequence[Steady], dropped: int
) -> Distribution | None:
    """Return how long the calls of `steady` took; None: there are none."""
    if not steady:
        return None
    each = np.stack([values_at(one.ordered_ns, SHARES) for one in steady])
    pooled = np.sort(np.concatenate([one.ordered_ns for one in steady]))
    slowest = max(steady, key=lambda one: int(one.ordered_ns[-1]))
    launch = launches[slowest.place]
    return Distribution(
        shares=SHARES,
        pooled_ms=_in_ms(values_at(pooled, SHARES)),
        lowest_ms=_in_ms(each.min(axis=0)),
        highest_ms=_in_ms(each.max(axis=0)),
        calls=int(pooled.size),
        launches=len(steady),
        slowest_in=f"{launch.index}.{launch.attempt}",
        slowest_call=int(np.argmax(slowest.calls_ns)) + dropped + 1,
    )


def _in_ms(values_ns: Ints) -> tuple[float, ...]:
    return tuple((values_ns / NS_PER_MS).tolist())
