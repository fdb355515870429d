"""Limits that were typed, `latency_p95_ms=20`: the names of a suite's budgets, checked alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchhub.config.suite import check_budget
from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS

#: What verdicts call a budget that was typed.
TYPED = "--budget"


def typed_limits(texts: Sequence[str]) -> Mapping[str, float]:
    """Return limits by the keys of budgets; ConfigError for what a suite could not say either."""
    limits: dict[str, float] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            raise ConfigError(f"--budget {text}: should be KEY=LIMIT, as latency_p95_ms=20")
        if key not in BUDGET_KEYS:
            raise ConfigError(f"--budget {text}: {key} is unknown{nearest(key, BUDGET_KEYS)}")
        if key in limits:
            raise ConfigError(f"--budget {key} is given twice; give one limit for each")
        try:
            limits[key] = float(value)
        except ValueError:
            raise ConfigError(f"--budget {text}: {value or 'nothing'} is no number") from None
    return limits


def typed_budget(limits: Mapping[str, float]) -> Budget:
    """Return the budget of all cells with these limits; ConfigError for a limit none can keep."""
    whole = {
        key: int(limit) if BUDGET_KEYS[key][0].whole and limit.is_integer() else limit
        for key, limit in limits.items()
    }
    return check_budget({"name": "budget", **whole}, Path(TYPED))
