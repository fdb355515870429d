"""The benchmarks' tables build, on sizes that say nothing about time."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

from benchhub.stats.interval import Estimate
from benchmarks import (
    analysis,
    bench_command,
    call_overhead,
    cell_wall,
    latency,
    live_page,
    push,
    quality_batches,
    results_store,
    startup,
    table,
)
from benchmarks.claim import Claim, compared


def numbers(claims: list[Claim]) -> None:
    assert claims
    for claim in claims:
        # Not > 0: a few calls' overhead is a difference of two times and may come out below 0.
        assert math.isfinite(claim.ratio), claim
        assert claim.low is None or claim.low <= claim.ratio <= (claim.high or math.inf), claim
        assert claim.ours
        assert claim.peer


def test_a_ratio_is_judged_by_its_limits() -> None:
    ratio = Estimate(1.02, 1.0, 1.04, 9, 0.95, "median")
    assert compared("a", "", "", ratio).met is None
    assert compared("a", "", "", ratio, at_most=1.1).met is True
    assert compared("a", "", "", ratio, at_most=1.01, at_least=0.99).met is False
    assert not compared("a", "", "", ratio, at_most=1.01).sure
    assert compared("a", "", "", ratio, at_least=1.3).target == ">= 1.3"


def test_table_and_json_say_the_same() -> None:
    claims = [Claim("push", "1 s", "scp 2 s", 2.0, 1.9, 2.1, ">= 1.3", True)]
    shown = Console(file=io.StringIO(), width=160)
    table.show(claims, shown)
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "2.000 (1.900 to 2.100)" in text
    assert "yes" in text
    assert json.loads(table.as_json(claims))["claims"][0]["ratio"] == 2.0


def test_call_overhead() -> None:
    numbers(call_overhead.measure(call_overhead.Size(rounds=2, calls=200)))


@pytest.mark.usefixtures("processes")
def test_latency() -> None:
    size = latency.Size(blocks=2, block_calls=5, rounds=1, calls=5, app_rounds=0)
    claims = latency.measure(size)
    numbers(claims)
    assert any("fresh processes, against bare" in claim.name for claim in claims)


def test_analysis() -> None:
    claims = analysis.measure(analysis.Amount(cells=2, usual=4, most=6, samples=20))
    numbers(claims)
    assert [claim.met is None for claim in claims] == [False, False, True]


def test_quality_at_two_batches() -> None:
    """One variant of two answers otherwise at the second batch, and is worked out again."""
    size = quality_batches.Amount(variants=2, cases=40, labels=2, rounds=2, of_which=2)
    numbers(quality_batches.measure(size))
    _, launches = quality_batches.judged(size)
    assert [launch.cell.batch for launch in launches] == [1, 8, 1, 8]


@pytest.mark.usefixtures("processes")
def test_cell_wall() -> None:
    size = cell_wall.Size(cells=1, launches=1, iterations=5, backends=("onnxruntime",))
    numbers(cell_wall.measure(size))


@pytest.mark.usefixtures("processes")
def test_bench_command() -> None:
    numbers(bench_command.measure(bench_command.Size(rounds=1, effort="quick")))


@pytest.mark.usefixtures("processes", "servers")
def test_push_and_a_second_run_that_moves_nothing() -> None:
    size = push.Size(large_bytes=3_000_000, files=20, file_bytes=4096, rounds=1)
    claims = push.measure(size)
    numbers(claims)
    assert claims[-1].met, claims[-1]


@pytest.mark.usefixtures("processes")
def test_startup() -> None:
    numbers(startup.measure(startup.Size(rounds=1)))


def test_serve(processes: None, servers: None) -> None:
    numbers(live_page.measure(live_page.Size(watchers=2, seconds=0.2, rounds=1)))


def test_store(native: None) -> None:
    numbers(results_store.measure(results_store.Size(launches=40, per_cell=10, samples=50)))
