"""How lists are parted into pages, and pages into pieces that are told apart."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
PER_PAGE = 50


def part_id(kind: str, name: str) -> str:
    """Return the id of a piece of a page, whatever a device or run is called."""
    return f"{kind}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def paged(every: Sequence[T], page: int) -> tuple[Sequence[T], int]:
    """Return what is on a page, the last one if there are not so many, and how many there are."""
    pages = max(1, math.ceil(len(every) / PER_PAGE))
    at = min(page, pages) - 1
    return every[at * PER_PAGE : (at + 1) * PER_PAGE], pages
