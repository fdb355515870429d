"""The options of the pytest plugin, each on the command line and in the ini file."""

from __future__ import annotations

from typing import Any

import pytest

EFFORTS = ("quick", "standard", "rigorous")
POLICIES = ("xfail", "fail", "skip")
#: Name: what it says. Each is an option `--benchhub-NAME`, and `benchhub_NAME` in the ini file.
_OPTIONS = {
    "run": "a run that was measured before: its id, a unique prefix, or latest",
    "suite": "a suite to measure: its name, folder or suite.toml",
    "device": "device or profile file to measure on; repeatable (default: localhost)",
    "effort": "how much to measure (default: the suite's)",
    "store": "results database (default: BENCHHUB_STORE, else benchhub.db here)",
    "budgets": "a file with other budgets than the suite's",
    "inconclusive": "what an INCONCLUSIVE verdict is (default: xfail)",
}
_CHOICES = {"effort": EFFORTS, "inconclusive": POLICIES}
_SEVERAL = ("device",)


def add_options(parser: pytest.Parser) -> None:
    """Add the options, and the ini entry of each."""
    group = parser.getgroup("benchhub", "measured runs and their budgets")
    for name, text in _OPTIONS.items():
        more: dict[str, Any] = {"choices": _CHOICES.get(name)}
        if name not in _CHOICES:
            more["metavar"] = name.upper()
        if name in _SEVERAL:
            more["action"] = "append"
        group.addoption(f"--benchhub-{name}", dest=f"benchhub_{name}", help=text, **more)
        kind = "args" if name in _SEVERAL else "string"
        parser.addini(f"benchhub_{name}", text, type=kind)  # type: ignore[arg-type]


def asked(config: pytest.Config, name: str) -> Any:
    """Return an option, else its ini entry, else None; UsageError for a value it cannot have."""
    value = config.getoption(f"benchhub_{name}") or config.getini(f"benchhub_{name}") or None
    if value is not None and name in _CHOICES and value not in _CHOICES[name]:
        known = ", ".join(_CHOICES[name])
        raise pytest.UsageError(f"benchhub_{name} = {value} is none of {known}")
    return value
