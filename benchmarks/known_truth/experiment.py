"""What an experiment is, and what its repeats come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: One repeat: what each rule did, as a number (1 or 0 for yes or no; NaN: nothing to count).
Repeat = Callable[[np.random.Generator], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach; in every case of `cases`, or in their mean where `pooled`.

    A case in which fewer than the share `unless_rare` of the repeats counted is left out.
    """

    rule: str
    at_least: float = -math.inf
    at_most: float = math.inf
    cases: tuple[str, ...] = ()
    pooled: bool = False
    unless_rare: float = 0.0

    def text(self) -> str:
        limits = []
        if math.isfinite(self.at_least):
            limits.append(f">= {self.at_least:g}")
        if math.isfinite(self.at_most):
            limits.append(f"<= {self.at_most:g}")
        return " and ".join(limits)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question, its cases, and what is promised. `share` scales its number of repeats."""

    name: str
    question: str
    cases: Mapping[str, Repeat]
    targets: tuple[Target, ...] = ()
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """The mean over the repeats of what a rule did in a case, with its Monte-Carlo error."""

    experiment: str
    case: str
    rule: str
    value: float
    error: float
    repeats: int


def figures(name: str, case: str, found: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Return a figure for each rule of the repeats `found`, leaving out those that do not count."""
    made = []
    for rule in found[0]:
        values = np.array([one[rule] for one in found], dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            continue
        value = float(values.mean())
        error = float(values.std() / math.sqrt(values.size))
        if value in (0.0, 1.0):
            error = 1 / values.size  # none of so many is not none at all
        made.append(Figure(name, case, rule, value, error, int(values.size)))
    return made
