"""Statistics of rounds, held against pytest-benchmark's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats

from benchhub.report.interchange.round_stats import round_stats

SECONDS = ("min", "max", "mean", "stddev", "median", "iqr", "q1", "q3", "total")


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60))
def test_statistics_are_those_of_pytest_benchmark(samples: list[int]) -> None:
    theirs = Stats()
    for sample in samples:
        theirs.update(sample / 1e9)
    ours = round_stats(np.array(samples, dtype=np.int64))
    for name in SECONDS:
        assert ours[name] == pytest.approx(getattr(theirs, name), rel=1e-9, abs=1e-12), name
    assert ours["ops"] == pytest.approx(theirs.ops, rel=1e-9)
    assert (ours["rounds"], ours["data"]) == (theirs.rounds, theirs.data)
    assert set(Stats.fields) <= set(ours)


def test_outliers_are_counted_as_pytest_benchmark_does() -> None:
    samples = np.array([*range(1000, 1100), 5000, 6000], dtype=np.int64)
    theirs = Stats()
    for sample in samples.tolist():
        theirs.update(sample / 1e9)
    ours = round_stats(samples)
    for name in ("iqr_outliers", "stddev_outliers", "outliers"):
        assert ours[name] == getattr(theirs, name), name
    for name in ("ld15iqr", "hd15iqr"):
        assert ours[name] == pytest.approx(getattr(theirs, name)), name


def test_constant_and_zero_rounds_have_statistics_and_none_has_none() -> None:
    assert round_stats(np.array([5, 5, 5]))["stddev"] == 0
    assert round_stats(np.array([0, 0]))["ops"] == 0
    with pytest.raises(ValueError, match="no rounds"):
        round_stats(np.array([], dtype=np.int64))
