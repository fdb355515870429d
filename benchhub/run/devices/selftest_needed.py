"""The precondition `requires_selftest`: which devices a suite may measure; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from benchhub.model.device import Selftest
from benchhub.text import instant

#: A self-test that is older than this counts no more.
MAX_AGE_DAYS = 30


def unmet(device: str, suite: str, last: Selftest | None, now: datetime) -> str | None:
    """Return why `suite` does not measure `device`, in one line with what to run; None if it may.

    `last` is the device's newest self-test.
    """
    how = f"run `benchhub devices selftest {device}`"
    rule = f"{suite} requires a self-test passed within {MAX_AGE_DAYS} days"
    if last is None:
        return f"{rule}, and there is none: {how}"
    if not last.passed:
        failed = next((check for check in last.checks if check.level == "refuse"), None)
        what = f" ({failed.check}: {failed.found})" if failed else ""
        return f"{rule}, and that of {last.at[:10]} was not passed{what}: {how}"
    age = now - instant(last.at)
    if age > timedelta(days=MAX_AGE_DAYS):
        return f"{rule}, and the last is {age.days} days old: {how}"
    return None
