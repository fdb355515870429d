"""Text as people read it: numbers to three significant digits, times, and what others wrote."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, Protocol

MB = 1e6
#: What a terminal or a page obeys, or shows as nothing: controls and escapes, halves of pairs,
#: marks that turn the direction of writing, and letters without a shape. Joiners are writing.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\uffa0\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
#: Ends of lines and tabs, with what stands around them: a text from outside is on one line.
_BREAKS = re.compile(r"[ \t]*[\t\r\n\v\f][ \t\r\n\v\f]*")


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


def rounded(value: float | None) -> str:
    """Four significant digits at most, none of them 0 at the end, no exponent; None: empty."""
    if value is None:
        return ""
    told = f"{value:.4g}"
    return number(value, 4) if "e" in told else told


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

    The beginning of time for anything else, so that what is dated comes later.
    """
    try:
        at = datetime.fromisoformat(iso)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):  # of a damaged record, no text at all
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


def visible(text: str) -> str:
    r"""A text from outside on one line, and what would be obeyed instead of read as `\x1b`.

    Twice is as once. Whatever comes in passes through here before it is kept: events of devices,
    users' files, stores and what other programs wrote.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_named, _BREAKS.sub(" ", text))


def all_visible(told: Any) -> Any:
    """Plain JSON types as they are, but every text in them, keys too, as `visible` has it."""
    if isinstance(told, str):
        return visible(told)
    if isinstance(told, dict):
        return {visible(k) if isinstance(k, str) else k: all_visible(v) for k, v in told.items()}
    if isinstance(told, list | tuple):
        return [all_visible(one) for one in told]
    return told


def plural(count: int, one: str) -> str:
    """`1 cell`, `2 cells`, `2 launches`."""
    many = f"{one}es" if one.endswith(("ch", "s")) else f"{one}s"
    return f"{count} {one if count == 1 else many}"


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _decimals(value: float, digits: int) -> int:
    if value == 0 or not math.isfinite(value):
        return digits - 1
    return min(9, max(0, digits - 1 - math.floor(math.log10(abs(value)))))
