"""From the record to what a comparison of two runs needs of each."""

from __future__ import annotations

from benchhub.model.launch import launches_by_cell
from benchhub.results.compare.runs import ComparedRun
from benchhub.results.load import load_results, metrics_of
from benchhub.store import Store


def record_of(store: Store, run: str) -> ComparedRun:
    """Return a run with everything that a comparison needs of it."""
    cells = store.plan(run).cells
    finished = launches_by_cell(
        cells, (launch for launch in store.launches(run) if launch.status == "finished")
    )
    answer_key = store.answer_key(run)
    return ComparedRun(
        results=load_results(store, run),
        cells={cell.key: cell for cell in cells},
        launches={key: tuple(of) for key, of in finished.items()},
        answer_key=answer_key,
        metric=metrics_of(answer_key)[0],
    )
