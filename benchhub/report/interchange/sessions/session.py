"""One session of another program, with nothing in it that its file does not tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Ints
from benchhub.model.scenario import Scenario

_NS_PER_MS = 1e6
#: Eleven days: a longer call is a mistake of units.
_LONGEST_MS = 1e9
#: Batches, threads and calls beyond are a mistake.
_MOST = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A process that timed one model.

    `samples_ns` are its calls, shape (calls,), empty where the program kept sums only; these are
    `told`, by column and in its unit, with `as_told` saying by whom and how finely. 0 and "" mean
    not told. `further` goes to the record as it is.
    """

    program: str
    backend: str
    variant: str = ""
    scenario: Scenario = Scenario.LATENCY
    samples_ns: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    tracks_ns: Mapping[str, Ints] = field(default_factory=dict)
    told: Mapping[str, float] = field(default_factory=dict)
    as_told: str = ""
    batch: int = 0
    threads: int = 0
    concurrency: int = 1
    rate_per_s: float | None = None
    precision: str = ""
    provider: str | None = None
    version: str | None = None
    load_ns: int | None = None
    first_inference_ns: int | None = None
    at: datetime | None = None
    further: Mapping[str, Any] = field(default_factory=dict)


def damaged(name: str, program: str, why: str) -> ConfigError:
    """Return the error for a file of `program` that cannot be used: its name, cause and way out."""
    return ConfigError(f"{name}: a file of {program}, but {why}; measure again, and import that")


def in_ns(name: str, program: str, where: str, ms: float) -> int:
    """Return milliseconds as nanoseconds; ConfigError for what no call can last."""
    if not 0 <= ms <= _LONGEST_MS:  # NaN is neither
        shown = f"{ms:g}" if isinstance(ms, float) or abs(ms) < 2**63 else "beyond 2**63"
        raise damaged(name, program, f"{where} is {shown} ms, which no call lasts")
    return round(ms * _NS_PER_MS)


def whole(name: str, program: str, where: str, text: object) -> int:
    """Return a count that a file tells; ConfigError where it is none, or larger than any is."""
    found = number(name, program, where, text)
    if found > _MOST:
        raise damaged(name, program, f"{where} is {found:g}, more than anybody counts to")
    return int(found)


def number(name: str, program: str, where: str, text: object) -> float:
    """Return what a file tells as a number; ConfigError where it is none."""
    try:
        if isinstance(text, bool):
            raise ValueError
        found = float(str(text))
    except ValueError:
        raise damaged(name, program, f"{where} is {str(text)[:40]!r} and no number") from None
    if not math.isfinite(found) or found < 0:
        raise damaged(name, program, f"{where} is {found:g}")
    return found
