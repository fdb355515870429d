"""What was to be measured and has no figure, beside what is recommended."""

from __future__ import annotations

import math

import pytest
from builders import make_budget, make_device
from choices import DEVICE, chosen, latency, quality
from rows import changed

from benchhub.model.flag import Flag, FlagKind
from benchhub.results.recommend.answer import Advice
from benchhub.results.recommend.choose import choose


def test_what_was_not_measured_yet_may_be_better() -> None:
    left = latency("int8", 3.0, status="unmeasured", reason="no launch was made")
    found = chosen(latency("fp32", 9.0), left)
    assert found.kind is Advice.OPEN
    assert found.pick is not None
    (one,) = found.unseen
    assert (one.row.variant, one.why, one.open) == ("int8", "no launch was made", True)


def test_what_failed_cannot_be_shipped_and_is_named() -> None:
    failed = latency("int8", 3.0, status="failed", reason="load: raised: no such operator")
    found = chosen(latency("fp32", 9.0), failed)
    assert found.kind is Advice.SHIP
    assert [(one.row.variant, one.open) for one in found.unseen] == [("int8", False)]


def test_a_figure_that_is_withheld_may_be_the_best() -> None:
    hidden = changed(latency("int8", 3.0), withheld={"p50_ms": "drift"})
    found = chosen(latency("fp32", 9.0), hidden)
    assert (found.kind, [one.why for one in found.unseen]) == (
        Advice.OPEN, ["p50_ms is withheld: drift"]
    )  # fmt: skip
    garbage = Flag(FlagKind.GARBAGE, "1.4 from the reference")
    wrong = quality("int8", 0.0, 0.001, flags=(garbage,))
    assert chosen(latency("fp32", 9.0), hidden, wrong).kind is Advice.SHIP


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_chosen(value: float) -> None:
    found = chosen(latency("fp32", 9.0), changed(latency("int8", 3.0), p50_ms=value))
    assert found.pick is not None
    assert found.pick.row.variant == "fp32"
    assert [one.row.variant for one in found.unseen] == ["int8"]


def test_where_all_that_was_seen_breaks_a_limit_the_rest_is_undecided() -> None:
    slow = latency("fp32", 30.0, status="finished")
    slow = changed(slow, intervals={"p95_ms": {"low": 27.0, "high": 33.0, "looks": ()}})
    left = latency("int8", 3.0, status="unmeasured", reason="no launch was made")
    found = chosen(slow, left, latency_p95_ms=5.0)
    assert (found.kind, found.nearest is not None) == (Advice.UNDECIDED, True)


def test_other_threads_are_no_way_out_where_those_of_a_limit_failed() -> None:
    """The limit holds for one thread, which failed: two threads were held to nothing."""
    rows = [
        latency("fp32", 9.0, status="failed", reason="out of memory"),
        latency("fp32", 60.0, threads=2),
    ]
    budget = make_budget("ward", latency_p95_ms=20.0, threads=(1,))
    found = choose(DEVICE, rows, [budget], "p50_ms")
    assert (found.kind, found.pick) == (Advice.NOTHING, None)
    only = choose(DEVICE, rows[1:], [budget], "p50_ms")
    assert (only.kind, "as many threads" in only.why) == (Advice.NOTHING, True)


def test_a_device_that_stopped_says_so_beside_its_pick() -> None:
    device = make_device("pi", error="the connection broke")
    found = choose(device, [latency("fp32", 9.0)], [], "p50_ms")
    assert (found.kind, found.why) == (Advice.SHIP, "it stopped: the connection broke")
