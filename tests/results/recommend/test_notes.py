"""What is noted of a whole run, whatever is recommended on its devices."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_budget, make_device, make_run, make_skip
from choices import latency, quality

from benchhub.model.cell import SkipKind
from benchhub.model.request import RunKind, RunRequest
from benchhub.model.row import Results, Row
from benchhub.results.recommend.recommend import recommend


def notes(*rows: Row, by: str = "", limits: Any = (), skips: Any = (), **run: Any) -> str:
    info = make_run(**({"status": "done"} | run))
    results = Results(info, (make_device("pi"),), rows, (), tuple(skips), ())
    return "; ".join(recommend(results, limits, by).notes)


def test_what_is_best_is_said_by_what_it_was_chosen() -> None:
    assert "what is named is the fastest, whatever" in notes(latency("fp32", 9.0))
    assert "what is named is the best by p95_ms, whatever" in notes(latency("a", 9.0), by="p95_ms")


@pytest.mark.parametrize("judged", [True, False])
def test_a_loss_that_nothing_limits_is_noted_judged_or_not(judged: bool) -> None:
    rows = [latency("fp32", 9.0), *([quality("fp32", 0.0, 0.001)] if judged else [])]
    found = notes(*rows, limits=[make_budget("ward", latency_p95_ms=20.0)])
    assert "no limit on the loss of quality was given (quality_loss_max)" in found
    assert ("nothing is known of it" in found) is not judged


def test_a_run_that_goes_on_or_was_not_made_whole_says_so() -> None:
    assert "the run is running: what is not" in notes(latency("fp32", 9.0), status="running")
    failed = [make_skip("no such op", device="pi", variant="int8", kind=SkipKind.RECIPE_FAILED)] * 2
    assert "so not looked at: int8;" in notes(latency("fp32", 9.0), skips=failed)


def test_what_was_imported_may_be_of_different_work() -> None:
    request = RunRequest("import", ("pi",), kind=RunKind.IMPORT)
    assert "imported: whether its benchmarks do the same" in notes(
        latency("a", 9.0), request=request
    )
