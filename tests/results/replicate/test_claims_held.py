"""What a report says in words, held against a run."""

from __future__ import annotations

from typing import Any

import pytest
from published_reports import FACTS, document, interval, report, row

from benchhub.config.published.told import PublishedDevice
from benchhub.results.replicate.answer import Replicated, ReplicatedClaim
from benchhub.results.replicate.replicate import replicate

HERE = PublishedDevice(name="here", facts=FACTS)  # type: ignore[arg-type]
OTHER = PublishedDevice(name="here", facts=FACTS | {"cores_logical": 4})  # type: ignore[arg-type]


def verdict(outcome: str, key: str = "latency_p95_ms", **changes: Any) -> dict[str, Any]:
    """A budget's answer for the baseline's latency."""
    return {
        "cell": "fp32-latency", "device": "pi", "variant": "fp32", "backend": "onnxruntime",
        "scenario": "latency", "batch": 1, "threads": 1, "budget": "edge", "key": key,
        "column": "p95_ms", "limit": 20.0, "outcome": outcome, **changes,
    }  # fmt: skip


def claim(verdict: str, **changes: Any) -> dict[str, Any]:
    """A claim of a suite and its answer."""
    return {"id": "faster", "text": "int8 is faster", "verdict": verdict, "asked": "x"} | changes


def with_speedup(value: float, half: float = 0.02) -> dict[str, Any]:
    """A variant so many times as fast as its baseline."""
    made = row("int8", speedup=value)
    made["intervals"]["speedup"] = interval(value, half, against="fp32", method="signed-rank")
    return made


def said(theirs: Any, ours: Any, here: PublishedDevice = HERE) -> list[ReplicatedClaim]:
    """The claims of a report, held."""
    return list(replicate(theirs, ours, here).claims)


@pytest.mark.parametrize(("here", "outcome"), [
    (with_speedup(2.0), Replicated.REPLICATED), (with_speedup(1.2), Replicated.REPLICATED),
    (with_speedup(0.8), Replicated.NOT), (with_speedup(1.0), Replicated.UNTOLD),
    (with_speedup(1.5, 0.6), Replicated.UNTOLD),
])  # fmt: skip
@pytest.mark.parametrize("device", [HERE, OTHER], ids=["same kind", "another"])
def test_who_is_faster_is_asked_on_every_device(
    here: dict[str, Any], outcome: Replicated, device: PublishedDevice
) -> None:
    (one,) = said(report(row(), with_speedup(2.0)), report(row(), here), device)
    assert one.text.startswith("int8 is faster than fp32: onnxruntime, latency")
    assert (one.theirs, one.outcome) == ("faster", outcome)


def test_what_is_not_claimed_is_not_asked() -> None:
    undecided = report(row(), with_speedup(1.0), verdicts=[verdict("INCONCLUSIVE")],
                       claims=[claim("cannot be told")])  # fmt: skip
    assert said(undecided, report(row(), with_speedup(2.0))) == []


@pytest.mark.parametrize(("there", "here", "same", "another"), [
    ("PASS", "PASS", Replicated.REPLICATED, Replicated.REPLICATED),
    ("PASS", "FAIL", Replicated.NOT, Replicated.UNTOLD),
    ("FAIL", "PASS", Replicated.NOT, Replicated.UNTOLD),
    ("FAIL", "FAIL", Replicated.REPLICATED, Replicated.REPLICATED),
    ("PASS", "INCONCLUSIVE", Replicated.UNTOLD, Replicated.UNTOLD),
])  # fmt: skip
def test_a_limit_of_time_is_of_a_kind_of_device(
    there: str, here: str, same: Replicated, another: Replicated
) -> None:
    theirs = report(row(), verdicts=[verdict(there)])
    ours = report(row(), verdicts=[verdict(here)])
    assert [one.outcome for one in said(theirs, ours)] == [same]
    (elsewhere,) = said(theirs, ours, OTHER)
    assert elsewhere.outcome is another
    if same is Replicated.NOT:
        assert elsewhere.reason == f"{here} here, on another kind of device"


def test_what_came_out_otherwise_under_a_flag_cannot_be_told() -> None:
    flags = [{"name": "foreign_cpu", "caps": True}]
    theirs = report(row(), with_speedup(2.0), verdicts=[verdict("PASS")])
    ours = report(row(flags=flags), with_speedup(0.5), verdicts=[verdict("FAIL")])
    assert {one.reason for one in said(theirs, ours)} == {
        "slower here, but flagged here: foreign_cpu", "FAIL here, but flagged here: foreign_cpu",
    }  # fmt: skip


def test_a_limit_of_quality_is_of_any_device() -> None:
    sides = [
        report(row(), verdicts=[verdict(outcome, "quality_loss_max", limit=0.01)])
        for outcome in ("PASS", "FAIL")
    ]
    assert [one.outcome for one in said(*sides, OTHER)] == [Replicated.NOT]


def test_another_limit_is_no_answer() -> None:
    theirs = report(row(), verdicts=[verdict("PASS")])
    (one,) = said(theirs, report(row(), verdicts=[verdict("PASS", limit=30.0)]))
    assert (one.outcome, one.reason) == (Replicated.UNTOLD, "the run here has no such limit")


def test_a_limit_of_no_row_is_not_passed_over() -> None:
    theirs = report(row(), verdicts=[verdict("FAIL", cell="nosuch")])
    (one,) = said(theirs, report(row(), verdicts=[verdict("PASS")]))
    assert (one.outcome, one.reason) == (Replicated.UNTOLD, "the report has no such row")
    assert one.text == "fp32 breaks latency_p95_ms 20: pi"


def test_what_failed_there_claims_nothing_that_could_come_out_again() -> None:
    failed = with_speedup(2.0) | {"status": "failed"}
    theirs = report(row(status="failed"), failed, verdicts=[verdict("PASS")])
    ours = report(row(), with_speedup(2.0), verdicts=[verdict("PASS")])
    assert {(one.outcome, one.reason) for one in said(theirs, ours)} == {
        (Replicated.UNTOLD, "failed there")
    }


@pytest.mark.parametrize(("here", "outcome", "reason"), [
    ([claim("holds")], Replicated.REPLICATED, ""),
    ([claim("does not hold")], Replicated.NOT, ""),
    ([claim("cannot be told")], Replicated.UNTOLD, ""),
    ([claim("holds", asked="y")], Replicated.UNTOLD, "it says otherwise here"),
    ([], Replicated.UNTOLD, "the run here answers no such claim"),
])  # fmt: skip
def test_claims_of_a_suite(here: list[Any], outcome: Replicated, reason: str) -> None:
    (one,) = said(report(row(), claims=[claim("holds")]), report(row(), claims=here))
    assert (one.outcome, one.reason) == (outcome, reason)


def test_claims_of_a_model_that_is_not_here_say_so() -> None:
    ours = document(row())
    (one,) = said(report(row(), with_speedup(2.0)), report(*ours["rows"]))
    assert one.outcome is Replicated.UNTOLD
    assert "has no model bbbbbbbbbbbb" in one.reason
