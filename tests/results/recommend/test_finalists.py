"""What is measured once more, and what is said of what was too much for it."""

from __future__ import annotations

from choices import chosen, latency

from benchhub.results.recommend.answer import Advice
from benchhub.results.recommend.finalists import MOST, finalists, with_left_out

#: Eight whose launches are too noisy to tell them apart, the slowest first.
MANY = [latency(name, 9.0 - 0.1 * place, noise=0.4) for place, name in enumerate("acegikmh")]


def test_of_too_many_the_best_are_measured_again() -> None:
    found = finalists(chosen(*MANY), "p50_ms")
    assert [row.variant for row in found[:MOST]] == list("hmkige")


def test_what_was_not_measured_again_may_be_better() -> None:
    first = chosen(*MANY)
    again = chosen(latency("h", 8.3), latency("m", 9.5))
    assert again.kind is Advice.SHIP
    found = with_left_out(first, again, "p50_ms")
    assert (found.kind, [one.row.variant for one in found.unseen]) == (Advice.OPEN, ["c", "a"])
    assert with_left_out(again, again, "p50_ms") == again


def test_a_pick_that_stands_alone_is_measured_beside_its_runner_up() -> None:
    found = finalists(chosen(latency("a", 3.0), latency("b", 9.0)), "p50_ms")
    assert [row.variant for row in found] == ["a", "b"]
