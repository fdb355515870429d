"""The suites that are shipped have as many independent cases as a PASS of their quality takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from repository import ROOT

from benchhub.config.suite import load_suite
from benchhub.model.scenario import Scenario
from benchhub.tasks.opening import open_data

#: One of each data set and number of cases that a budget of quality is of.
SUITES = (
    "cardiac-sculpting", "chest-xray-quantization", "cross-hardware", "nuclei-magnitude",
    "pathology-structured", "quickstart",
)  # fmt: skip


@pytest.mark.parametrize("name", SUITES)
def test_a_budget_of_quality_can_be_passed_with_the_cases_of_its_suite(
    tmp_path: Path, name: str
) -> None:
    suite = load_suite(ROOT / "suites" / name / "suite.toml")
    limited = [one for one in suite.budgets if any("loss" in key for key in one.limits)]
    assert limited
    (quality,) = (spec for spec in suite.scenarios if spec.scenario is Scenario.QUALITY)
    cases = open_data(suite, None, tmp_path).cases(quality.cases)
    assert len(set(cases.groups)) >= max(one.quality_min_cases for one in limited)
