"""How candidates stand beside each other where their figures cannot simply be divided."""

from __future__ import annotations

import json
import math

import pytest
from builders import make_budget
from choices import DEVICE, chosen, latency, names, quality
from rows import changed

from benchhub.model.row import Row
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.report.recommend.json import render
from benchhub.results.recommend.answer import Advice, Recommendation
from benchhub.results.recommend.choose import choose


def test_what_is_emulated_is_not_told_apart() -> None:
    found = chosen(latency("fp32", 9.0, emulated=True), latency("int8", 3.0, emulated=True))
    assert (found.kind, names(found.ties)) == (Advice.TIE, ["fp32"])
    assert found.why == "emulated: what it takes says nothing about a real device"


def test_energy_by_two_counters_is_not_compared() -> None:
    rows = [
        latency("fp32", 9.0, energy_mj=20.0, energy_source="rapl"),
        latency("int8", 3.0, energy_mj=5.0, energy_source="nvml"),
    ]
    found = choose(DEVICE, rows, [], "energy_mj")
    assert found.kind is Advice.TIE
    assert found.ties[0].doubt == "nvml counts the pick's energy, rapl this one's"


def test_a_median_of_zero_is_left_out_of_the_pairs() -> None:
    coarse = latency("int8", 3.0)
    coarse = changed(coarse, medians_ms=((0, 0.0), *coarse.medians_ms[1:]))
    found = chosen(latency("fp32", 9.0), coarse)
    assert found.runner_up is not None
    assert found.runner_up.ratio == pytest.approx(3.0, rel=0.05)


def test_what_is_better_in_every_round_that_both_had_is_the_pick() -> None:
    """a was launched in the slow rounds only: 9 ms where b took 10; b's fast rounds came before."""
    a = latency("a", 9.0, noise=0.001)
    a = changed(a, medians_ms=tuple((number + 10, ms) for number, ms in a.medians_ms))
    b = latency("b", 8.0, noise=0.001)
    late = tuple((number + 10, 10.0) for number, _ in b.medians_ms)
    b = changed(b, medians_ms=(*((number, 6.0) for number in range(10)), *late))
    found = chosen(a, b)
    assert found.pick is not None
    assert (found.kind, found.pick.row.variant) == (Advice.SHIP, "a")


def test_launches_that_are_rare_are_so_as_one_of_many() -> None:
    """None of 60 misses the limit: fewer than 5 % do, but of eight such rows it is not known."""

    def of(name: str) -> Row:
        each = {"p95_ms": {"by_launch": (10.0,) * 60}}
        return changed(latency(name, 10.0), launches=60, intervals=each)

    budget = make_budget("ward", latency_p95_ms=20.0, rare_launches=0.05)
    (alone,) = choose(DEVICE, [of("a")], [budget], "p50_ms").candidates
    assert alone.outcome is Outcome.PASS
    many = choose(DEVICE, [of(name) for name in "abcdefgh"], [budget], "p50_ms")
    assert {one.outcome for one in many.candidates} == {Outcome.INCONCLUSIVE}
    assert "up to 8" in many.candidates[0].by_limit[0].reason


def test_those_beside_the_pick_stand_by_their_values() -> None:
    """Reports name the first few of many: the best of them."""
    rows = [
        latency("g", 6.2, noise=0.4),
        latency("e", 6.1, noise=0.4),
        latency("b", 6.0, noise=0.4),
    ]
    assert names(chosen(*rows).ties) == ["e", "g"]
    assert names(chosen(*rows, quality_loss_max=0.01).rivals) == ["b", "e", "g"]


def test_json_has_no_number_where_there_is_none() -> None:
    """A metric of one's own may say anything."""
    odd = quality("fp32", math.nan, math.nan)
    found = chosen(latency("fp32", 9.0), odd, quality_loss_max=0.01)
    assert found.kind is Advice.UNDECIDED
    told = json.loads(render(Recommendation("r", "p50_ms", 1.03, (), (found,)), "tiny"))
    (device,) = told["devices"]
    (evidence,) = device["rivals"][0]["evidence"]
    assert (evidence["value"], evidence["high"], evidence["as_one_of_many"]) == (None, None, None)
