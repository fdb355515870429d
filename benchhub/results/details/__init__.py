"""What a cell of a report opens, from its raw launches: computed once, and kept."""

from __future__ import annotations

import dataclasses

from benchhub.model.row import CellDetails, Results
from benchhub.results.details.kept import KeptDetails
from benchhub.results.kept.rows import Raw
from benchhub.store import Store


def with_details(store: Store, results: Results, kept: KeptDetails | None = None) -> Results:
    """Return the results of a run with what each cell opens.

    Of a run whose samples were deleted it is when they were. `kept` has what was computed while its
    rows were; None: the launches are read here.
    """
    run = results.run.id
    if (at := store.pruned_at(run)) is not None:
        gone = CellDetails(gone=at)
        return dataclasses.replace(results, details={row.cell: gone for row in results.rows})
    if kept is None:
        cells = store.plan(run).cells
        kept = KeptDetails(store, Raw(store, run, cells), cells)
    return dataclasses.replace(results, details=kept.of(results.rows))
