"""A million launches, on so few that nothing is said about time: what is cut short goes on."""

from __future__ import annotations

from pathlib import Path

from benchhub.store import Store
from benchmarks.million import Amount, Taken, fill, look


def test_what_was_cut_short_goes_on_where_it_was(store_url: str, tmp_path: Path) -> None:
    keep = tmp_path / "taken.json"
    with Store.open(store_url) as store:
        first = fill(store, Amount(12, 20, 10, 5), Taken(), keep)
        assert first.launches == 12
        again = fill(store, Amount(25, 20, 10, 5), first, keep)
        assert again.launches == 25
        assert fill(store, Amount(25, 20, 10, 5), again).launches == 25
        counts = [sum(store.finished(run.id).values()) for run in store.runs()]
        assert counts == [10, 10, 5]
        found = look("sqlite" if store.file else "postgresql", store, again)
    assert found.launches == 25
    assert found.size_bytes > 25 * 1000
    assert found.first_s > 0
