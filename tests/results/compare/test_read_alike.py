"""Quality is compared where both runs read their outputs alike, wherever these are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import accuracy, make_answer_key, make_cell
from recorded_runs import launches_of, record

from benchhub.model.quality import AnswerKey, Reading
from benchhub.model.scenario import Scenario
from benchhub.results.compare.moves import Change, Move
from benchhub.results.compare.read_alike import in_place, read_otherwise
from benchhub.results.compare.runs import ComparedRun, compare_runs
from benchhub.tasks.metrics import get_metric

CELL = make_cell(scenario=Scenario.QUALITY, launches=1)
READING = Reading("class", "", 0, "scores", 2)
KEY = replace(make_answer_key(), readings={"accuracy": READING})
NOISE = np.random.default_rng(4).normal(size=KEY.reference[0].shape).astype(np.float32)


def of(run: str, key: AnswerKey, outputs: tuple[np.ndarray, ...], **changes) -> ComparedRun:
    launches = launches_of(CELL, run, count=1, outputs=outputs)
    return record(run, launches, answer_key=key, metric=accuracy(), **changes)


def quality(before: ComparedRun, after: ComparedRun) -> Move:
    (cell,) = compare_runs(before, after).cells
    return next(move for move in cell.moves if move.metric == "quality")


def test_an_output_that_has_another_place_is_found_there():
    """Two outputs of one shape that changed places: by position the wrong one would be read."""
    scores = KEY.reference[0]
    first = replace(KEY, reference=(scores, NOISE))
    moved = replace(
        KEY,
        reference=(NOISE, scores),
        readings={"accuracy": replace(READING, output=1, name="head")},
    )
    before, after = of("a", first, (scores, NOISE)), of("b", moved, (NOISE, scores))
    for move in (quality(before, after), quality(after, before)):
        assert move.change is Change.EQUIVALENT
        assert move.before == move.after == pytest.approx(0.85, abs=0.05)


def test_outputs_that_are_read_otherwise_do_not_compare():
    other = replace(KEY, readings={"accuracy": replace(READING, labels="one-hot")})
    move = quality(of("a", KEY, KEY.reference), of("b", other, KEY.reference))
    assert move.change is Change.NOT_COMPARABLE
    assert move.reason == "outputs or labels are read otherwise: labels"


def test_what_makes_no_difference_is_none():
    metric = get_metric("accuracy")
    for other in (
        None,
        replace(READING, name="y", output=3),
        replace(READING, integers=True),
        replace(READING, scores="logits"),
    ):
        assert read_otherwise(READING, other, metric) == ""
        assert read_otherwise(other, READING, metric) == ""
    told = replace(READING, scores="class", columns=7)
    assert read_otherwise(told, replace(told, columns=9), metric) == ""
    assert read_otherwise(READING, told, metric) == "columns"
    one = replace(READING, columns=1, scores="logits")
    assert read_otherwise(one, replace(one, scores="probabilities"), metric) == "scores"


def test_in_place_leaves_the_others_where_they_are():
    scores = KEY.reference[0]
    one, other = READING, replace(READING, output=2)
    assert in_place((scores, NOISE), one, one) == (scores, NOISE)
    placed = in_place((scores, NOISE), one, other)
    assert (placed[1] is NOISE, placed[2] is scores) == (True, True)
    assert in_place((NOISE,), other, one) == (NOISE,)  # it has none: who reads it says so


def test_quality_that_a_run_does_not_tell_is_not_told_beside_another_one():
    varies = replace(KEY, varying="0.3 of their spread")
    move = quality(of("a", varies, KEY.reference), of("b", KEY, KEY.reference))
    assert (move.change, move.effect) == (Change.INCONCLUSIVE, None)
    assert move.reason.startswith("quality before is not told: the baseline's answers vary")


def test_another_file_of_own_code_forbids_comparing_quality_and_nothing_else():
    code = [{"provenance": {"code metric.py": digest * 32}} for digest in ("ab", "cd")]
    before, after = (
        of(run, KEY, KEY.reference, **told) for run, told in zip("ab", code, strict=True)
    )
    move = quality(before, after)
    assert move.change is Change.NOT_COMPARABLE
    assert move.reason.startswith("data: code metric.py: abab")
    timed = make_cell()
    told = compare_runs(
        *(record(run, launches_of(timed, run), **of) for run, of in zip("ab", code, strict=True))
    )
    assert Change.NOT_COMPARABLE not in {move.change for move in told.cells[0].moves}
