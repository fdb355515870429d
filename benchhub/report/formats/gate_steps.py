"""What to do next about a verdict; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from benchhub.model import Row, Verdict, VerdictOutcome

#: A reason and its next step come in one sentence; a step begins with one of these words.
_STEP = re.compile(
    r"(?:; |: )(?=(?:run|set|raise|add|quiet|measure|stop|lower|at this rate|`benchhub)\b)"
)
_TOO_MUCH: Mapping[str, str] = {
    "latency": "choose a faster variant or backend, or more threads",
    "paced": "lower the rate, raise concurrency, or choose a faster variant",
    "throughput": "choose a faster variant, or raise batch or concurrency",
    "peak_rss": "choose a smaller variant or another backend",
    "load": "choose a smaller variant, or a backend that compiles less when it loads",
    "model": "compress further",
    "quality": "compress less, calibrate on more cases, or choose another recipe",
}


def reason_and_step(verdict: Verdict, row: Row | None, key: str, effort: str) -> tuple[str, str]:
    """Return why a verdict is what it is, and what to do next: nothing after a PASS.

    `key` is the entry of the budget, `effort` that of the run.
    """
    reason = verdict.reason
    if verdict.outcome is VerdictOutcome.PASS:
        return reason, ""
    if verdict.outcome is VerdictOutcome.FAIL:
        if reason.startswith("garbage"):
            return reason, "its outputs are not the baseline's: check the recipe and calibration"
        advice = next((text for stem, text in _TOO_MUCH.items() if key.startswith(stem)), "")
        advice = f"{advice}; or raise the budget" if advice else "raise the budget"
        if "(but " in reason:
            advice = f"the device was disturbed: quiet it and measure again before you {advice}"
        return reason, advice
    parts = _STEP.split(reason, maxsplit=1)
    if len(parts) == 2:
        return parts[0], parts[1]
    if row is not None and row.emulated:
        return reason, "measure on a real device"
    more = "standard" if effort == "quick" else "rigorous"
    return reason, f"run with --effort {more}"
