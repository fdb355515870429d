"""What somebody wrote of themselves in a file that everybody reads: bounded, and never believed.

It is shown, and it orders the queue; who holds the device is told by locks alone.
"""

import json
import math
from typing import Any, Dict, Optional

MOST_BYTES = 4096
_MOST_CHARS = 200
_MOST_SECONDS = 1e10
#: Texts and whole numbers that are told, and seconds.
TOLD = ("run", "user", "host", "since", "pid", "agent", "id", "root", "boot", "holds", "priority")
SECONDS = ("entered", "took", "until", "starts", "ends", "from_utc", "until_utc", "needs_s")
_LEAST = {"priority": -9}


def told(data: bytes) -> Dict[str, Any]:
    """Return what there is of the known names, each of its type and within bounds."""
    try:
        said = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    kept: Dict[str, Any] = {}
    for name in TOLD:
        value = said.get(name)
        if isinstance(value, str):
            kept[name] = value[:_MOST_CHARS]
        elif type(value) is int and _LEAST.get(name, 0) <= value < 1 << 31:
            kept[name] = value
    for name in SECONDS:
        value = said.get(name)
        seconds = number(value)
        if seconds is not None and 0 <= seconds < _MOST_SECONDS:
            kept[name] = seconds
    return kept


def number(value: Any) -> Optional[float]:
    """Return a finite number as it came in JSON; None for anything else, true and false too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def written(claims: Dict[str, Any], least_bytes: int = 0) -> bytes:
    """Return claims as the bytes of a file; padded, so that one write covers what was there."""
    cut = {n: v[:_MOST_CHARS] if isinstance(v, str) else v for n, v in claims.items()}
    return json.dumps(cut).encode("ascii").ljust(least_bytes)
