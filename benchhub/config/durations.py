"""How long, and when, as people type it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from benchhub.errors import ConfigError

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
#: A hundred years: calendars end, and nobody waits for more.
_MOST_S = 36_500 * 86400.0
_PART = re.compile(r"(\d+(?:\.\d+)?)(min|[smhd])", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def duration_s(text: str, option: str) -> float:
    """Return `90s`, `5m`, `2h`, `1d`, `1h30m` or `0` in seconds; ConfigError names the option."""
    typed = "".join(text.split()).lower()
    found = _PART.findall(typed)
    if typed in ("0", "0.0"):
        return 0.0
    seconds = sum(float(count) * _SECONDS[unit] for count, unit in found)
    if not found or "".join(map("".join, found)) != typed or not math.isfinite(seconds):
        raise ConfigError(f"{option} {text!r} is no duration: write 90s, 5m, 2h, 1d or 1h30m")
    if seconds > _MOST_S:
        raise ConfigError(f"{option} {text!r} is more than a hundred years: write less")
    return seconds


def moment(text: str, option: str, now: datetime) -> datetime:
    """Return `now`, `14:00` (the next time it is that), or a date and time of ISO 8601, in UTC.

    What names no zone is in that of `now`. ConfigError names the option.
    """
    typed = text.strip()
    if typed.lower() == "now":
        return now.astimezone(UTC)
    if found := _CLOCK.fullmatch(typed):
        at = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        return (at if at >= now else at + timedelta(days=1)).astimezone(UTC)
    try:
        at = datetime.fromisoformat(typed)
        at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{option} {text!r} is no time: write now, 14:00, or 2026-01-31T14:00"
        ) from error
