"""Numbers as people read them: three significant digits, intervals to the same decimal; times."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Protocol

MB = 1e6


class WithLimits(Protocol):
    """A value with its limits."""

    @property
    def value(self) -> float | None:
        """The value; None: not known."""
        ...

    @property
    def low(self) -> float | None:
        """Its lower limit; None: not known."""
        ...

    @property
    def high(self) -> float | None:
        """Its upper limit; None: not known."""
        ...


def number(value: float | None, digits: int = 3) -> str:
    """Three significant digits and no exponent; empty when not measured; 0 stays 0."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "unbounded"
    return f"{value:,.{_decimals(value, digits)}f}"


def estimate(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """`value [low, high]`, all to the decimals of the value; the bracket only with both ends."""
    if value is None or math.isnan(value):
        return ""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number(value, digits)
    # A value near zero with a wide interval (a loss) takes its decimals from the interval.
    places = _decimals(max(abs(value), (high - low) / 2, key=abs) or value, digits)
    shown = [number(v) if math.isinf(v) else f"{v:,.{places}f}" for v in (value, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def shown(figure: WithLimits, digits: int = 3) -> str:
    """A figure as `estimate` writes it."""
    return estimate(figure.value, figure.low, figure.high, digits)


def megabytes(value: int | None) -> str:
    """Bytes as MB (10^6 bytes)."""
    return number(None if value is None else value / MB)


def millions(value: int | None) -> str:
    """A count in millions."""
    return number(None if value is None else value / 1e6)


def instant(iso: str) -> datetime:
    """The instant that a text of ISO 8601 tells, in UTC; a text without a zone is in UTC.

    The beginning of time for any other text, so that what is dated comes later.
    """
    try:
        at = datetime.fromisoformat(iso)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def moment(iso: str) -> str:
    """An ISO 8601 time in UTC as `2026-01-31 09:30:00 UTC`; any other text as it is."""
    for zone in ("+00:00", "Z"):
        if iso.endswith(zone):
            return f"{iso.removesuffix(zone).replace('T', ' ')} UTC"
    return iso


def abridged(text: str, most: int) -> str:
    """A text of at most `most` characters: a longer one by its ends, of which the last says why."""
    if len(text) <= most:
        return text
    head = max(0, most // 3)
    return f"{text[:head].rstrip()} [..] {text[len(text) - max(1, most - head - 6) :].lstrip()}"


def plural(count: int, one: str) -> str:
    """`1 cell`, `2 cells`, `2 launches`."""
    many = f"{one}es" if one.endswith(("ch", "s")) else f"{one}s"
    return f"{count} {one if count == 1 else many}"


def _decimals(value: float, digits: int) -> int:
    if value == 0 or not math.isfinite(value):
        return digits - 1
    return min(9, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def visible(text: str) -> str:
    """Return a text from outside on one line, without what a terminal or a page would act on.

    Control characters and marks that turn the direction of writing are shown as their code points;
    line ends and tabs become spaces.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _code_point(one) for one in text)


def _code_point(character: str) -> str:
    return " " if character.isspace() else f"<U+{ord(character):04X}>"
