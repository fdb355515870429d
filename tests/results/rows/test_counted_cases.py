"""Which cases count is for their labels to decide, not for the model that is judged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key

from benchhub.model.quality import Reading, Reads
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.case_tables import mean_metric
from benchhub.tasks.own.metric import as_stored

CASES = 120
RNG = np.random.default_rng(3)


def judge(mine, base, groups=None):
    columns = base.shape[1]
    reading = Reading("own", output=1, name="m.py:f", columns=columns)
    key = dataclasses.replace(
        make_answer_key(CASES), readings={"m.py:f": reading}, label_names=(),
        groups=groups or tuple(map(str, range(CASES))),
    )  # fmt: skip
    given = np.zeros((CASES, 2))
    return assess([given, mine], key, as_stored("m.py:f", reading), [given, base], 60)


@pytest.mark.parametrize("columns", [1, 2])
def test_a_model_that_is_silent_in_some_cases_is_not_judged(columns):
    base = RNG.uniform(1, 2, (CASES, columns))
    mine = base.copy()
    mine[:17, -1] = np.nan
    for pair, wanted in (
        ((mine, base), r"m\.py:f is NaN in 17 cases that count for the baseline"),
        ((base, mine), r"m\.py:f of the baseline is NaN in 17 cases that count for this variant"),
    ):
        with pytest.raises(ValueError, match=wanted):
            judge(*pair)


@pytest.mark.parametrize("columns", [1, 2])
def test_cases_that_count_for_neither_are_left_out_and_not_counted(columns):
    base = RNG.uniform(1, 2, (CASES, columns))
    base[:30, 0] = np.nan
    mine = base * RNG.uniform(0.8, 1, (CASES, columns))
    found = judge(mine, base, tuple(str(k // 4) for k in range(CASES)))
    assert (found.cases, found.groups) == (90, 23)
    kept = mine[30:]
    wanted = kept.mean() if columns == 1 else kept[:, 0].sum() / kept[:, 1].sum()
    assert found.value == pytest.approx(wanted)


def test_it_is_so_of_every_mean_also_of_other_distributions():
    precision = mean_metric(
        "precision",
        lambda outputs, labels: np.where(outputs > 0.5, labels[:, None], np.nan),
        reads=Reads.FIRST,
    )
    key = dataclasses.replace(make_answer_key(CASES), labels=RNG.integers(0, 2, CASES))
    sure = np.ones((CASES, 1))
    with pytest.raises(ValueError, match="precision is NaN in 60 cases that count for the base"):
        assess([np.where(np.arange(CASES) < 60, 0, 1)[:, None]], key, precision, [sure], 60)
    assert assess([sure], key, precision, [sure], 60).cases == CASES
