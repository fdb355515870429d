"""Limits that were typed, `latency_p95_ms=20`: the names of a suite's budgets, checked alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchhub.config.suite import check_budget
from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.scenario import Scenario

#: Where a budget that was typed comes from, and what verdicts call it.
TYPED, NAME = "--budget", "budget"
#: What is no limit, but says how others are judged, by the scenario of those.
_QUALIFIERS: Mapping[str, Scenario] = {
    "quality_loss_relative": Scenario.QUALITY,
    "quality_min_cases": Scenario.QUALITY,
    "paced_min_rate_per_s": Scenario.PACED,
    "rare_launches": Scenario.LATENCY,
}
#: What a launch of a latency cell measures beside its calls.
_OF_LAUNCHES = (Scenario.LATENCY, Scenario.MEMORY, Scenario.COLD_START, None)
_WORDS = {"true": 1.0, "false": 0.0}


def typed_limits(texts: Sequence[str]) -> Mapping[str, float]:
    """Return limits by the keys of budgets; ConfigError for what a suite could not say either.

    With them what qualifies limits, in the order it was typed; of true and false, 1 and 0.
    """
    limits: dict[str, float] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            raise ConfigError(f"--budget {text}: should be KEY=LIMIT, as latency_p95_ms=20")
        if key not in BUDGET_KEYS and key not in _QUALIFIERS:
            known = [*BUDGET_KEYS, *_QUALIFIERS]
            raise ConfigError(f"--budget {text}: {key} is unknown{nearest(key, known)}")
        if key in limits:
            raise ConfigError(f"--budget {key} is given twice; give one limit for each")
        if key == "quality_loss_relative":
            if value.strip().lower() not in _WORDS:
                raise ConfigError(f"--budget {text}: should be true or false")
            limits[key] = _WORDS[value.strip().lower()]
            continue
        try:
            limits[key] = float(value)
        except ValueError:
            raise ConfigError(f"--budget {text}: {value or 'nothing'} is no number") from None
    for key in limits.keys() & _QUALIFIERS.keys():
        _check_qualified(key, limits)
    return limits


def typed_budget(limits: Mapping[str, float]) -> Budget:
    """Return the budget of all cells with these limits; ConfigError for a limit none can keep."""
    return check_budget(
        {"name": NAME, **{key: _as_in_a_suite(key, limit) for key, limit in limits.items()}},
        Path(TYPED),
    )


def check_of_launches(budgets: Sequence[Budget], verb: str) -> None:
    """Raise ConfigError for a limit of what launches of latency cells do not measure."""
    for budget in budgets:
        for key in budget.limits:
            scenario = BUDGET_KEYS[key][0].scenario
            if scenario not in _OF_LAUNCHES:
                raise ConfigError(
                    f"--budget {key}: {verb} measures no {scenario}; write a suite with"
                    f" [scenarios.{scenario}] (`benchhub init`)"
                )


def typed_again(limits: Mapping[str, float]) -> str:
    """Return the options that say these limits, as they are typed."""
    said = (str(_as_in_a_suite(key, limit)).lower() for key, limit in limits.items())
    return " ".join(f"--budget {key}={text}" for key, text in zip(limits, said, strict=True))


def _as_in_a_suite(key: str, limit: float) -> float | bool:
    if key == "quality_loss_relative":
        return bool(limit)
    whole = key == "quality_min_cases" or (key in BUDGET_KEYS and BUDGET_KEYS[key][0].whole)
    return int(limit) if whole and limit.is_integer() else limit


def _check_qualified(key: str, limits: Mapping[str, float]) -> None:
    """Raise ConfigError for what says how limits are judged that are not there."""
    of = [one for one, (entry, _) in BUDGET_KEYS.items() if entry.scenario is _QUALIFIERS[key]]
    if not limits.keys() & set(of):
        raise ConfigError(
            f"--budget {key} is no limit: it says how {' or '.join(of[:2])} is judged; give that"
            " as well"
        )
