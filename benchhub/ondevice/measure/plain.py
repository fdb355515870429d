"""What a backend tells of itself as plain JSON of a bounded size: others refuse what is not."""

import json
import math
from typing import Any, Dict

_MOST_CHARS = 4000
_MOST_ITEMS = 2000
_MOST_DEPTH = 8
#: Of all that a backend tells; others take twice as much.
_MOST_BYTES = 1 << 17
#: The same of values and names, of which others take 20,000.
_MOST_VALUES = 19_000


def told(details: Dict[str, Any]) -> Dict[str, Any]:
    """Return what a backend tells, bounded as a whole."""
    found: Dict[str, Any] = plain(details)
    size = len(json.dumps(found))
    if size > _MOST_BYTES:
        return {"unavailable": "%d bytes of details are too many" % size}
    count = _values(found)
    if count > _MOST_VALUES:
        return {"unavailable": "%d values of details are too many" % count}
    return found


def _values(value: Any) -> int:
    """Return how many values, and names of them, there are in all."""
    if isinstance(value, dict):
        return 1 + sum(1 + _values(one) for one in value.values())
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def plain(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """Return `value` as plain JSON types; what JSON has not is told as text.

    Long texts are cut, long lists end early, and what is nested deeper than others look is text.
    """
    if value is None or isinstance(value, (bool, str)):
        return value[:_MOST_CHARS] if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 63 else str(value)[:_MOST_CHARS]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if depth and isinstance(value, dict):
        items = list(value.items())[:_MOST_ITEMS]
        return {str(name)[:_MOST_CHARS]: plain(one, depth - 1) for name, one in items}
    if depth and isinstance(value, (list, tuple)):
        return [plain(one, depth - 1) for one in value[:_MOST_ITEMS]]
    return str(value)[:_MOST_CHARS]
