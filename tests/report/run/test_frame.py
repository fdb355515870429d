from __future__ import annotations

import pandas as pd
from synthetic import results

from benchhub.model.columns import COLUMNS
from benchhub.report.run.frame import column_dtypes, to_frame


def test_columns_are_the_contract_in_order() -> None:
    assert tuple(to_frame([results()]).columns) == COLUMNS
    assert tuple(to_frame([]).columns) == COLUMNS


def test_missing_is_missing_and_never_zero_or_nan() -> None:
    frame = to_frame([results()])
    throughput = frame[frame.scenario == "throughput"].iloc[0]
    assert throughput.p50_ms is pd.NA
    assert throughput.quality_cases is pd.NA
    failed = frame[frame.status == "failed"].iloc[0]
    assert failed.mean_ms is pd.NA, "NaN of the row must not survive as a number"
    assert 0.0 in frame.agreement_max_abs.dropna().to_list(), "a measured zero stays"


def test_dtypes_are_nullable() -> None:
    dtypes = column_dtypes()
    assert dtypes["threads"] == dtypes["model_bytes"] == "Int64"
    assert dtypes["emulated"] == "boolean"
    assert dtypes["p50_ms"] == "Float64"
    assert dtypes["flags"] == "string"
    frame = to_frame([results()])
    assert {column: str(frame[column].dtype) for column in COLUMNS} == dtypes


def test_flags_are_joined_and_runs_concatenated() -> None:
    one, two = results(), results(run="other")
    frame = to_frame([one, two])
    assert len(frame) == len(one.rows) + len(two.rows)
    assert "throttled;steal" in frame["flags"].dropna().to_list()
