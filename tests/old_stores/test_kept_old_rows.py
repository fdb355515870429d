"""What is kept of an old store is what is computed of it, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest
from kept_runs import NAMES, unpacked

from benchhub.results.kept import rows
from benchhub.results.load import load_results
from benchhub.store import Store


@pytest.mark.parametrize("name", NAMES)
def test_kept_and_computed_agree_to_the_last_digit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    with Store.open(unpacked(name, tmp_path)) as store:
        runs = [run.id for run in store.runs()]
        with monkeypatch.context() as without:
            without.setattr(rows, "method", lambda: None)
            plain = [load_results(store, run) for run in runs]
        assert not any(store.summaries.of(run, rows.ROW) for run in runs)
        first = [load_results(store, run) for run in runs]
        with monkeypatch.context() as nothing:
            nothing.setattr(rows, "summarized", _never)
            nothing.setattr(rows, "findings", _never)
            again = [load_results(store, run) for run in runs]
    assert repr(first) == repr(plain)
    assert repr(again) == repr(plain)


def _never(*_what: object) -> None:
    raise AssertionError("what is kept was computed again")
