"""A comparison of outputs with labels is made once: within a load, and between commands."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_answer_key

from benchhub.results.kept_tables import KeptTables
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.case_tables import mean_metric, worst
from benchhub.tasks.metrics import METRICS, get_metric

ASKED: Counter[str] = Counter()


def hits(outputs: Any, labels: Any) -> Any:
    ASKED["hits"] += 1
    return (outputs.argmax(axis=1) == labels).astype(float)[:, None]


def errors(outputs: Any, labels: Any) -> Any:
    return abs(outputs - labels).mean(axis=1)[:, None]


RIGHT = mean_metric("right", hits)
LABELS = np.arange(6) % 2


def test_equal_content_is_compared_once() -> None:
    ASKED.clear()
    tables, outputs = Tables(), np.random.default_rng(0).normal(size=(6, 2))
    first = tables.of(hits, outputs, LABELS)
    assert tables.of(hits, outputs.copy(), LABELS.copy()) is first
    assert ASKED["hits"] == 1
    turned = tables.of(hits, outputs, LABELS, np.arange(6)[::-1])
    np.testing.assert_array_equal(turned, hits(outputs[::-1], LABELS))
    for other in (outputs.astype(np.float32), outputs[::-1], outputs.T.copy().T):
        np.testing.assert_array_equal(tables.of(hits, other, LABELS), hits(other, LABELS))


def test_what_is_shared_cannot_be_changed() -> None:
    table = Tables().of(hits, np.eye(6)[:, :2], LABELS)
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 7


@pytest.mark.parametrize("wrong", [lambda o, _: o[:, 0], lambda o, _: o[:3]])
def test_a_table_has_a_line_a_case(wrong: Any) -> None:
    with pytest.raises(ValueError, match="a case table of shape"):
        Tables().of(wrong, np.eye(6), LABELS)


def test_metrics_of_one_function_compare_an_artifact_once() -> None:
    ASKED.clear()
    answer_key, tables = make_answer_key(60), Tables()
    mine = (answer_key.reference[0][:, ::-1].copy(),)
    for metric in (RIGHT, worst(RIGHT, 0.2)):
        for _ in range(2):
            assess(mine, answer_key, metric, answer_key.reference, resamples=50, tables=tables)
    assert ASKED["hits"] == 3  # the artifact, the baseline, and the baseline shuffled


@pytest.mark.parametrize("name", ["accuracy", "mean_absolute_error"])
def test_a_table_changes_no_figure(name: str) -> None:
    answer_key = make_answer_key(80)
    if name == "mean_absolute_error":
        answer_key = dataclasses.replace(answer_key, labels=np.eye(2)[answer_key.labels])
    rng = np.random.default_rng(1)
    mine = (answer_key.reference[0] + rng.normal(0, 0.5, answer_key.reference[0].shape),)
    with_table, without = METRICS[name], dataclasses.replace(METRICS[name], table=None)
    found, same = (
        assess(mine, answer_key, metric, answer_key.reference, resamples=200, tables=Tables())
        for metric in (with_table, without)
    )
    assert found == same
    assert with_table.table is not None


def test_the_seed_draws_the_resamples() -> None:
    answer_key = make_answer_key(80)
    mine = (answer_key.reference[0] + np.random.default_rng(1).normal(0, 0.5, (80, 2)),)
    one, again, other = (
        assess(
            mine, answer_key, get_metric("accuracy"), answer_key.reference, resamples=200, seed=seed
        )
        for seed in (0, 0, 14)
    )
    assert one == again
    assert one.value == other.value
    assert one.loss != other.loss


def test_tables_of_built_in_tasks_are_kept_between_commands(tmp_path: Path) -> None:
    outputs, labels = np.arange(6.0)[:, None], np.zeros((6, 1))
    metric = get_metric("log_loss")
    assert metric.table is not None
    function = metric.table.of
    made = Tables(KeptTables(tmp_path)).of(function, outputs, labels)
    (file,) = tmp_path.iterdir()
    np.save(file, made + 1)
    np.testing.assert_array_equal(
        Tables(KeptTables(tmp_path)).of(function, outputs, labels), made + 1
    )
    other = Tables(KeptTables(tmp_path)).of(function, outputs, labels + 1)
    assert not np.array_equal(other, made)
    assert len(list(tmp_path.iterdir())) == 2
    Tables(KeptTables(tmp_path)).of(errors, outputs, labels)  # its code could change unseen
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_or_unwritable_folder_only_costs_time(tmp_path: Path, damage: bytes) -> None:
    outputs, labels = np.arange(6.0)[:, None], np.zeros((6, 1))
    table = get_metric("log_loss").table
    assert table is not None
    made = Tables(KeptTables(tmp_path)).of(table.of, outputs, labels)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    np.testing.assert_array_equal(Tables(KeptTables(tmp_path)).of(table.of, outputs, labels), made)
    blocked = tmp_path / "file" / "below"
    (tmp_path / "file").write_text("")
    np.testing.assert_array_equal(Tables(KeptTables(blocked)).of(table.of, outputs, labels), made)
