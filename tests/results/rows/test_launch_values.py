"""What a launch as a whole says, and what is compared of its calls."""

from __future__ import annotations

import numpy as np
import pytest
from builders import make_cell, make_launch

from benchhub.model.scenario import Scenario
from benchhub.results.compare.metrics import taken
from benchhub.results.rows.launch_values import energy_mj, rate_per_s

CALLS = np.full(100, 10_000_000, np.int64)


def test_a_rate_counts_cases_over_the_whole_section() -> None:
    cell = make_cell(scenario=Scenario.THROUGHPUT, batch=4)
    launch = make_launch(cell, samples_ns=CALLS, elapsed_ns=500_000_000)
    assert rate_per_s(launch) == pytest.approx(800)
    assert rate_per_s(make_launch(cell, elapsed_ns=None)) is None
    assert rate_per_s(make_launch(cell, samples_ns=CALLS[:0])) is None


def test_energy_is_that_of_one_case() -> None:
    cell = make_cell(batch=4)
    assert energy_mj(make_launch(cell, samples_ns=CALLS, energy_uj=800_000)) == pytest.approx(2)
    assert energy_mj(make_launch(cell, samples_ns=CALLS)) is None


def test_only_latency_loses_its_warm_up_as_in_its_row() -> None:
    slow_start = np.concatenate([CALLS[:20] * 3, CALLS])
    for scenario, left in ((Scenario.LATENCY, 100), (Scenario.PACED, 120)):
        cell = make_cell(scenario=scenario)
        launches = [make_launch(cell, index, samples_ns=slow_start) for index in range(10)]
        assert {len(calls) for calls in taken(launches, scenario).steady_ns} == {left}
