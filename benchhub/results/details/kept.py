"""The details of a run's cells: those that are kept in its store, and the others anew."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence

from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.row import CellDetails, Row
from benchhub.results.details.of_cell import details_of
from benchhub.results.kept.codec import decoded, encoded
from benchhub.results.kept.keys import of_launches
from benchhub.results.kept.method import method
from benchhub.results.kept.rows import Raw
from benchhub.store import Store
from benchhub.store.summaries import Summary

#: The kind of summaries in a store.
DETAILS = "details"
#: So many are kept at a time.
_AT_ONCE = 200


class KeptDetails:
    """What cells of a run open; of all `cells`, or of those with keys in `only`, to be kept alone.

    What is kept and what is computed are the same to the last digit. It hangs on a cell and its
    launches alone, so that more launches of others leave it as it is.
    """

    def __init__(
        self, store: Store, raw: Raw, cells: Sequence[Cell], only: Collection[str] | None = None
    ) -> None:
        self._store, self._raw = store, raw
        self._cells = {
            cell.key: cell
            for cell in cells
            if (only is None or cell.key in only) and raw.source(cell) is not None
        }
        self._keys = _keys(raw, self._cells)
        self._holds = only is None
        self._found: dict[str, CellDetails | None] = {}
        self._new: dict[str, Summary] = {}
        self._read()

    def take(self, cell: Cell, launches: Sequence[Launch], dropped: int) -> None:
        """Compute the details of a cell, where they are missing, by launches that were read."""
        if cell.key not in self._cells or cell.key in self._found:
            return
        found: CellDetails | None = details_of(cell, launches, dropped)
        if cell.key in self._keys:
            data = encoded(found)
            self._new[cell.key] = Summary(self._keys[cell.key], data)
            found = decoded(CellDetails, data) if self._holds else None
            if len(self._new) % _AT_ONCE == 0 and self._kept():
                self._new = {}
        self._found[cell.key] = found

    def of(self, rows: Sequence[Row]) -> Mapping[str, CellDetails]:
        """Return the details of the cells of `rows` that were launched, and keep what is new."""
        wanted = [row for row in rows if row.cell in self._cells]
        if any(row.cell not in self._found for row in wanted):
            self._read()  # other processes may have kept them
        for row in wanted:
            if row.cell not in self._found:
                cell = self._cells[row.cell]
                self.take(cell, self._raw.launches(cell), row.provenance.warmup_dropped)
        self.write()
        return {
            row.cell: one for row in wanted if (one := self._found[row.cell]) is not None
        }  # fmt: skip

    def write(self, patience_s: float = 0.0) -> None:
        """Keep what is new; for others who write is waited so long."""
        until = time.monotonic() + patience_s
        while self._new and not self._kept() and time.monotonic() < until:
            pass
        self._new = {}

    def _kept(self) -> bool:
        return self._store.summaries.keep(self._raw.run, DETAILS, self._new)

    def _read(self) -> None:
        if not self._keys:
            return
        for name, one in self._store.summaries.of(self._raw.run, DETAILS).items():
            if name not in self._found and self._keys.get(name) == one.key:
                with contextlib.suppress(ValueError):
                    self._found[name] = decoded(CellDetails, one.data)


def _keys(raw: Raw, cells: Mapping[str, Cell]) -> dict[str, str]:
    """Return by cell what tells that its details are still true; empty: nothing can be kept."""
    version, recorded = method(), raw.recorded
    if version is None or recorded is None:
        return {}
    return {
        key: of_launches(version, cell, recorded.cells[source])
        for key, cell in cells.items()
        if (source := raw.source(cell)) is not None
    }
