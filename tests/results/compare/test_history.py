"""Which cells of many runs are named as candidates for a change, and what else changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import make_cell, make_device

from benchhub.model.scenario import Scenario
from benchhub.results.compare.history import FEWEST_RUNS, HistoryPoint, differences, screen


def series(
    runs: int = 20, jump: float = 1.0, at: int = 10, seed: int = 0, **cell: Any
) -> list[HistoryPoint]:
    """A cell over runs: 2 % noise between runs, and `jump` times as slow from run `at` on."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(runs):
        changed = number >= at and jump != 1.0
        level = 1e6 * (jump if changed else 1.0) * np.exp(0.02 * rng.standard_normal())
        launches = level * np.exp(0.01 * rng.standard_normal(10))
        made.append(
            HistoryPoint(
                f"run-{number:02d}",
                f"2026-01-{number + 1:02d}T12:00:00+00:00",
                make_cell(model_sha256=("b" if changed else "a") * 64, **cell),
                tuple(int(value) for value in launches),
                "1.23" if changed else "1.22",
                "0.1.0",
                make_device(facts={"kernel": "6.2" if changed else "6.1", "os": "Debian"}),
            )
        )
    return made


def test_a_jump_is_named_with_the_run_that_began_it() -> None:
    (found,) = screen(series(jump=1.10, at=12))
    assert found.candidate
    assert found.before is not None
    assert found.after is not None
    assert (found.before.run, found.after.run) == ("run-11", "run-12")
    assert found.shift == pytest.approx(1.10, abs=0.02)
    assert differences(found.before, found.after) == (
        f"model: {'a' * 12} -> {'b' * 12}",
        "onnxruntime: 1.22 -> 1.23",
        "kernel: 6.1 -> 6.2",
    )


def test_steady_cells_are_not_named_and_come_after_those_that_are() -> None:
    steady = [series(seed=seed, threads=seed) for seed in range(1, 40)]
    moved = series(jump=1.2, threads=100)
    found = screen([point for one in (*steady, moved) for point in one])
    assert len(found) == 40
    assert found[0].cell.threads == 100
    assert found[0].candidate
    # A tenth of what is named may be named in error: of one that is right, hardly any.
    assert sum(one.candidate for one in found) <= 3


def test_one_cell_among_many_must_be_clearer_than_alone() -> None:
    moved = series(runs=FEWEST_RUNS, jump=1.5, at=3)
    (alone,) = screen(moved)
    assert alone.candidate
    others = [series(runs=FEWEST_RUNS, seed=seed, threads=seed) for seed in range(2, 30)]
    found = screen([point for one in (*others, moved) for point in one])
    assert not found[0].candidate
    assert found[0].adjusted is not None
    assert alone.adjusted is not None
    assert found[0].adjusted > alone.adjusted


def test_few_runs_say_nothing() -> None:
    (found,) = screen(series(runs=FEWEST_RUNS - 1, jump=2.0, at=3))
    assert (found.candidate, found.p_value, found.before) == (False, None, None)
    assert screen([]) == ()


def test_a_new_model_file_is_the_same_cell_and_other_settings_are_not() -> None:
    cell = make_cell()
    assert cell.identity == make_cell(model_sha256="f" * 64, launches=3, iterations=7).identity
    for other in (
        {"device": "pi"}, {"variant": "int8"}, {"backend": "openvino"}, {"threads": 2},
        {"batch": 8}, {"precision": "f16"}, {"options": '{"provider": "cuda"}'},
        {"scenario": Scenario.THROUGHPUT}, {"concurrency": 2},
    ):  # fmt: skip
        assert cell.identity != make_cell(**other).identity, other


def test_cells_that_are_not_timed_call_by_call_are_left_out() -> None:
    for scenario in (Scenario.MEMORY, Scenario.COLD_START, Scenario.QUALITY, Scenario.PACED):
        assert screen(series(scenario=scenario)) == ()


def test_unknown_facts_are_no_difference() -> None:
    one = series(runs=1)[0]
    other = HistoryPoint("r", "2026", one.cell, one.p50s_ns, None, "0.1.0")
    assert differences(one, other) == ("onnxruntime: 1.22 -> unknown",)
