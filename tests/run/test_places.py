"""Answers that change with a case's place in the batch: cases lie along another axis, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_variant
from measured_suite import CASES, FLOAT, Suite, node, value, variant

from benchhub.compress.build.answering import turned
from benchhub.compress.build.reference import Answered
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec
from benchhub.model.quality import BoxReading, Reading
from benchhub.run.references import check_places, varying_outputs

RNG = np.random.default_rng(8)
X = RNG.normal(size=(CASES, 4, 3)).astype(np.float32)
MIXED = {
    "running sum": [node("CumSum", ["x", "zero"], ["y"])],
    "backwards": [node("CumSum", ["x", "zero"], ["y"], reverse=1)],
    "neighbours": [
        node("Pad", ["x", "ends"], ["wide"]),
        node("Slice", ["wide", "zero_1", "minus_2_1"], ["before"]),
        node("Slice", ["wide", "two_1", "far_1"], ["after"]),
        node("Add", ["before", "after"], ["y"]),
    ],
}
ALIKE = {
    "case by case": [node("Softmax", ["x"], ["y"], axis=2)],
    "softmax over cases": [node("Softmax", ["x"], ["y"], axis=0)],
    "less the batch's mean": [
        node("ReduceMean", ["x"], ["mean"], axes=[0]),
        node("Sub", ["x", "mean"], ["y"]),
    ],
    "at random": [
        node("RandomNormalLike", ["x"], ["noise"]),
        node("Add", ["x", "noise"], ["y"]),
    ],
}
HELD = {
    "zero": np.array(0),
    "ends": np.array([1, 0, 0, 1, 0, 0]),
    "zero_1": np.array([0]),
    "two_1": np.array([2]),
    "minus_2_1": np.array([-2]),
    "far_1": np.array([1 << 30]),
}


def made(suite: Suite, nodes: list[Any], first: Any = "t", outputs: Any = None) -> Suite:
    named = {name for one in nodes for name in one.input}
    shape = [first, "n", 3]
    suite.save(
        "base.onnx",
        nodes,
        [value("x", FLOAT, shape)],
        outputs or [value("y", FLOAT, shape)],
        {name: array for name, array in HELD.items() if name in named},
    )
    return suite


def ready(suite: Suite, quality: str, batches: str, more: str = "", **told: str) -> None:
    data = 'output = "y"\n' + more
    suite.ready(
        {"x": X, "labels": np.arange(CASES * 4).reshape(CASES, 4) % 3},
        variant(**told),
        quality=quality,
        batches=batches,
        data=data,
    )


@pytest.mark.usefixtures("native", "processes")
@pytest.mark.parametrize(
    ("kind", "quality", "batches"),
    [
        *((kind, "4", "[4]") for kind in MIXED),
        ("running sum", "1", "[1, 2]"),
        ("neighbours", "1", "[1, 2, 3]"),
    ],
)
def test_what_mixes_cases_by_place_is_refused(
    tmp_path: Path, kind: str, quality: str, batches: str
) -> None:
    suite = made(Suite(tmp_path), MIXED[kind])
    with pytest.raises(ConfigError, match=r"place in the batch.*output y") as refused:
        ready(suite, quality, batches)
    assert "cases do not run along axis 0 of input x" in str(refused.value)
    assert "batch_axis = { x = 1 }" in str(refused.value)


@pytest.mark.usefixtures("native", "processes")
def test_a_length_that_is_the_batch_by_chance(tmp_path: Path) -> None:
    nodes = [node("ReduceSum", ["x", "zero_1"], ["y"], keepdims=0)]  # over steps, and cases stay
    outputs = [value("y", FLOAT, ["n", 3])]
    suite = made(Suite(tmp_path), nodes, 4, outputs)
    arrays = {"x": X, "labels": np.arange(CASES) % 3}
    with pytest.raises(ConfigError, match="place in the batch"):
        suite.ready(arrays, variant(), batches="[4]")
    found = suite.ready(arrays, variant(batch_axis="{ x = 1 }"), batches="[4]")
    np.testing.assert_allclose(found.prepared.reference[0], X.sum(1), rtol=1e-5)


@pytest.mark.usefixtures("native", "processes")
@pytest.mark.parametrize("kind", ALIKE)
def test_cases_that_have_an_effect_on_each_other_move_with_it(tmp_path: Path, kind: str) -> None:
    suite = made(Suite(tmp_path), ALIKE[kind])
    with pytest.raises(ConfigError) as other:  # what is past the check: labels of another shape
        ready(suite, "4", "[4]")
    assert "labels" in str(other.value)
    assert "place" not in str(other.value)


@pytest.mark.usefixtures("native", "processes")
def test_one_output_that_has_as_many_rows_by_chance(tmp_path: Path) -> None:
    nodes = [
        node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0),
        node("CumSum", ["y", "zero"], ["table"]),
    ]
    outputs = [value(name, FLOAT, ["t", 3]) for name in ("y", "table")]
    suite = made(Suite(tmp_path), nodes, outputs=outputs)
    arrays = {"x": X, "labels": np.arange(CASES) % 3}
    asked = {"quality": "4", "batches": "[4]"}
    with pytest.raises(ConfigError, match=r"output table does not run over cases.*table = false"):
        suite.ready(arrays, variant(), data='output = "table"\n', **asked)
    found = suite.ready(arrays, variant(), data='output = "y"\n', **asked)
    (why,) = found.prepared.answer_key.uncompared.values()
    assert "output table is" in why
    assert "in another order of the same cases" in why


def test_boxes_in_other_rows_are_at_no_other_place() -> None:
    rng = np.random.default_rng(2)
    corner = rng.uniform(0, 300, (8, 6, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 80, (8, 6, 2))], axis=2)
    scores, kinds = rng.uniform(0.2, 1, (8, 6)), rng.integers(0, 3, (8, 6))
    whole = (boxes, scores, kinds, rng.random((8, 4)))
    names = ("b", "s", "c", "other")
    model = make_variant(outputs=tuple(TensorSpec(name, "float32", (None, 6)) for name in names))
    reading = Reading("boxes", "probabilities", 0, "b", 1, boxes=BoxReading("xyxy", 1, 2))
    rows, order = (3, 1, 2, 0), rng.permutation(6)

    def asked(*turned: Any, of: tuple[int, ...] = rows) -> dict[int, float]:
        given = tuple(one[list(of)] for one in turned)
        found = Answered(whole, turned=given, rows=rows)
        return check_places(model, found, read={0, 1, 2}, reading=reading)

    moved = tuple(one[:, order] for one in whole[:3])
    assert asked(*moved, whole[3]) == {}
    assert list(asked(*moved, whole[3] + 1)) == [3]
    with pytest.raises(ConfigError, match="place"):
        asked(*whole, of=(0, 1, 2, 3))
    again = tuple(one[:4] for one in (*moved, whole[3]))
    assert varying_outputs(Answered(whole, again=again), reading) == {}
    assert set(varying_outputs(Answered(whole, again=again))) == {0, 1, 2}


@pytest.mark.parametrize(("cases", "batch"), [(9, 4), (9, 2), (40, 16), (3, 8), (100, 64), (7, 7)])
def test_cases_keep_their_batch_and_lose_their_place(cases: int, batch: int) -> None:
    rows = turned(cases, batch, 16)
    assert len(rows) % batch == 0
    assert len(rows) >= min(16, cases - cases % batch)
    for start in range(0, len(rows), batch):
        mine, before = rows[start : start + batch], range(start, start + batch)
        assert sorted(mine) == sorted(row % cases for row in before)
        assert list(mine) != [row % cases for row in before]


def test_a_case_alone_has_no_other_place() -> None:
    assert turned(9, 1, 16) == turned(9, 4, 0) == turned(0, 4, 16) == ()
