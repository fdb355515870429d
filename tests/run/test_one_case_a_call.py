"""Models that take one case a call, and answer it in any shape, whatever their file declares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from measured_suite import CASES, FLOAT, Suite, node, same, value, variant

pytestmark = pytest.mark.usefixtures("native", "processes")

RNG = np.random.default_rng(6)
X = RNG.normal(size=(CASES, 5, 3)).astype(np.float32)
AT_ONE = {"batches": "1", "quality": "1"}
A = RNG.normal(size=(3, 2)).astype(np.float32)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def test_outputs_without_an_axis_of_cases_are_the_answer_to_the_one_case(suite: Suite) -> None:
    """Time first, as many numbers as there are steps, and a scalar."""
    suite.save(
        "base.onnx",
        [
            node("MatMul", ["x", "A"], ["each"]),
            node("Transpose", ["each"], ["major"], perm=[1, 0, 2]),
            node("ReduceSum", ["each", "axes"], ["steps"], keepdims=0),
            node("ReduceSum", ["each"], ["all"], keepdims=0),
        ],
        [value("x", FLOAT, [1, 5, 3])],
        [value("major", FLOAT, [5, 1, 2]), value("steps", FLOAT, [5]), value("all", FLOAT, [])],
        {"A": A, "axes": np.array([0, 2])},
    )
    half = '[[variants]]\nname = "half"\nfrom = "base"\nrecipe = "fp16"\n'
    ready = suite.ready(
        {"x": X},
        variant() + half,
        **AT_ONE,
        backends=("onnxruntime", "openvino"),
        data='output = "steps"',
    )
    each = X @ A
    wanted = (each[:, :, None], each.sum(2), each.sum((1, 2)))
    same(suite.measure(ready), *wanted, cells=8, atol=0.05)
    given = ready.prepared.provenance["outputs as given"]
    assert given.count("all of it is the answer to the one case of a call") == 3


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([5, 1, 2], "and no axis of cases: all of it is the answer to the one case of a call"),
        ([1, 5, 2], "and is taken as it comes"),
    ],
    ids=["time first", "case first"],
)
def test_a_shape_that_is_declared_wrong_is_taken_as_it_comes(
    suite: Suite, sizes: list[int], told: str
) -> None:
    suite.save(
        "base.onnx",
        [
            node("MatMul", ["x", "A"], ["each"]),
            # nobody can tell how many sizes are kept, so nobody knows the rank before
            node("Compress", ["sizes", "kept"], ["known"], axis=0),
            node("Reshape", ["each", "known"], ["y"]),
        ],
        [value("x", FLOAT, ["n", 5, 3])],
        [value("y", FLOAT, [1, "k"])],
        {"A": A, "sizes": np.array(sizes), "kept": np.array([True, True, True])},
    )
    each = (X @ A).reshape(CASES, *sizes)
    each = each[:, 0] if sizes[0] == 1 else each
    judged = 'labels = "regression"\nmetric = "mean_absolute_error"'
    ready = suite.ready({"x": X, "labels": each}, variant(), **AT_ONE, judged=judged)
    same(suite.measure(ready), each, cells=2)
    assert ready.prepared.provenance["outputs as given"] == (
        f"output y: it has another shape than the file declares, {told}"
    )
