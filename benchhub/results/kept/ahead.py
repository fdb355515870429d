"""Rows that are missing, made over processes where there are many: each keeps its own.

Only the time changes: whoever started them reads what was kept, and makes what was not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import groupby

from benchhub.model.cell import Cell
from benchhub.model.quality import AnswerKey
from benchhub.model.scenario import Scenario
from benchhub.outside.beside import processors, side_by_side
from benchhub.outside.room import free_memory
from benchhub.store import Store
from benchhub.store.fingerprints import Recorded

#: To judge a quality cell takes as long as to read and measure so many launches.
_JUDGED = 10
#: With fewer of them a process would hardly have begun before they were done here.
_LEAST = 2500
#: What a process takes: of its own, and for answers, of the baseline, an artifact and their copies.
_OWN_BYTES, _COPIES = 256 << 20, 8


def make_ahead(
    make: Callable[[str, str, Recorded, frozenset[str], bool], None],
    store: Store,
    run: str,
    recorded: Recorded | None,
    key: AnswerKey | None,
    each_launch: bool,
    missing: Collection[Cell],
) -> bool:
    """Have rows of `missing` cells made and kept side by side; return whether any may be.

    `make` does so in a process of its own, given the store's URL, the run, its launches as they
    are, the keys of some cells, and `each_launch`. False: there are few, or there is no processor
    or memory for it, or nothing could be kept.
    """
    if not store.writable or recorded is None or not (url := store.address):
        return False
    parts = parted(missing, abreast(missing, key))
    if len(parts) < 2:
        return False
    side_by_side(make, [(url, run, recorded, part, each_launch) for part in parts])
    return True


def abreast(missing: Collection[Cell], key: AnswerKey | None) -> int:
    """Return over how many processes the rows of `missing` cells are worth being made."""
    worth = sum(map(_weight, missing)) // _LEAST
    if worth < 2:
        return 1
    arrays = (*key.reference, key.labels) if key is not None else ()
    takes = _OWN_BYTES + _COPIES * sum(array.nbytes for array in arrays)
    return int(min(worth, processors(), (free_memory() or 0) // takes))


def parted(missing: Collection[Cell], count: int) -> list[frozenset[str]]:
    """Return the keys of `missing` cells in up to `count` parts of about the same work.

    All devices' cells of a backend's variant are in one, since devices that are alike give the same
    answers to it, which are judged once; and those of a backend's variants, which are held against
    one baseline, in few.
    """

    def place(cell: Cell) -> tuple[str, str]:
        return cell.backend, cell.variant

    whole = sum(map(_weight, missing)) or 1
    parts: dict[int, set[str]] = {}
    before = 0
    for _, group in groupby(sorted(missing, key=place), place):
        cells = list(group)
        weight = sum(map(_weight, cells))
        at = min(count - 1, int((before + weight / 2) * count / whole))
        parts.setdefault(at, set()).update(cell.key for cell in cells)
        before += weight
    return [frozenset(part) for part in parts.values()]


def _weight(cell: Cell) -> int:
    if cell.launches_of:
        return 1
    return cell.launches + (_JUDGED if cell.scenario is Scenario.QUALITY else 0)
