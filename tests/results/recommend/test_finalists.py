"""What is measured once more, and what is said of what was too much for it."""

from __future__ import annotations

import pytest
from choices import chosen, latency

from benchhub.errors import ConfigError
from benchhub.model.request import RunKind, RunRequest
from benchhub.results.recommend.answer import Advice
from benchhub.results.recommend.finalists import MOST, again, check_again, finalists, with_left_out

#: Eight whose launches are too noisy to tell them apart, the slowest first.
MANY = [latency(name, 9.0 - 0.1 * place, noise=0.4) for place, name in enumerate("acegikmh")]


def test_of_too_many_the_best_are_measured_again() -> None:
    found = finalists(chosen(*MANY), "p50_ms")
    assert [row.variant for row in found[:MOST]] == list("hmkige")


def test_what_was_not_measured_again_may_be_better() -> None:
    first = chosen(*MANY)
    second = chosen(latency("h", 8.3), latency("m", 9.5))
    assert second.kind is Advice.SHIP
    found = with_left_out(first, second, "p50_ms")
    assert (found.kind, [one.row.variant for one in found.unseen]) == (Advice.OPEN, ["c", "a"])
    assert with_left_out(second, second, "p50_ms") == second


def test_a_pick_that_stands_alone_is_measured_beside_its_runner_up() -> None:
    found = finalists(chosen(latency("a", 3.0), latency("b", 9.0)), "p50_ms")
    assert [row.variant for row in found] == ["a", "b"]


def test_what_finalists_are_made_of_is_asked_for_too() -> None:
    sources = {"small-int8": "small", "small": "fp32", "fp32": None}
    first = RunRequest("tiny", ("pi",), effort="quick", variants=("int8",))
    request = again(first, "pi.toml", [latency("small-int8", 3.0)], sources)
    assert request.variants == ("small-int8", "small", "fp32")
    assert (request.effort, request.devices) == ("rigorous", ("pi.toml",))


@pytest.mark.parametrize("kind", [RunKind.BENCH, RunKind.AB, RunKind.IMPORT])
def test_only_a_suites_run_is_measured_once_more(kind: RunKind) -> None:
    with pytest.raises(ConfigError, match="only a suite's run"):
        check_again(RunRequest("tiny", ("pi",), kind=kind))
