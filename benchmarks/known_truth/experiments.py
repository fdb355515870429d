"""All experiments, in the order of the table."""

from __future__ import annotations

from benchmarks.known_truth import (
    budgets,
    choices,
    clear,
    comparisons,
    conditions,
    losses,
    replications,
)

EXPERIMENTS = (
    *budgets.EXPERIMENTS,
    *clear.EXPERIMENTS,
    *comparisons.EXPERIMENTS,
    *conditions.EXPERIMENTS,
    *losses.EXPERIMENTS,
    *choices.EXPERIMENTS,
    *replications.EXPERIMENTS,
)
