"""From a suite to outputs, for models that are not like most; held against what numpy computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from measured_suite import CASES, FLOAT, Suite, node, same, value, variant
from onnx import TensorProto, helper, numpy_helper

from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("native", "processes")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


RNG = np.random.default_rng(4)
X = RNG.normal(size=(CASES, 5, 3)).astype(np.float32)
A, B = (RNG.normal(size=size).astype(np.float32) for size in ((3, 3), (3, 2)))


def pooled(suite: Suite, name: str, axis: int) -> None:
    """The sum over steps of x A, time-major or not, then B."""
    shape = ["n", 5, 3] if axis == 1 else [5, "n", 3]
    suite.save(
        name,
        [
            node("MatMul", ["x", "A"], ["each"]),
            node("ReduceSum", ["each", "axis"], ["sum"], keepdims=0),
            node("MatMul", ["sum", "B"], ["y"]),
        ],
        [value("x", FLOAT, shape)],
        [value("y", FLOAT, ["n", 2]), value("each", FLOAT, shape)],
        {"A": A, "B": B, "axis": np.array([axis])},
    )


def test_a_time_major_twin_and_what_recipes_make_of_it(suite: Suite) -> None:
    pooled(suite, "base.onnx", axis=1)
    pooled(suite, "major.onnx", axis=0)
    variants = (
        variant()
        + variant("major", "major.onnx", batch_axis="{ x = 1, each = 1 }")
        + variant("laid", "major.onnx", layout='{ x = "NTC->TNC", each = "TNC->NTC" }')
        + '[[variants]]\nname = "half"\nfrom = "major"\nrecipe = "fp16"\n'
    )
    ready = suite.ready({"x": X}, variants, backends=("onnxruntime", "openvino"))
    each = X @ A
    same(suite.measure(ready), each.sum(1) @ B, each, cells=24, atol=0.05)
    by_name = {v.name: v for v in ready.prepared.variants}
    assert by_name["half"].inputs == by_name["major"].inputs == by_name["laid"].inputs


def scaled(suite: Suite, rate: list[int]) -> None:
    """x * rate / 1000 + table[kind]; the rate and the table are the same for all cases."""
    suite.save(
        "base.onnx",
        [
            node("Cast", ["rate"], ["real"], to=FLOAT),
            node("Div", ["real", "thousand"], ["factor"]),
            node("Mul", ["x", "factor"], ["scaled"]),
            node("Gather", ["table", "kind"], ["added"]),
            node("Add", ["scaled", "added"], ["y"]),
        ],
        [
            value("x", FLOAT, ["n", 3]), value("rate", TensorProto.INT64, rate),
            value("table", FLOAT, ["rows", 3]), value("kind", TensorProto.INT64, ["n"]),
        ],
        [value("y", FLOAT, ["n", 3])],
        {"thousand": np.array(1000, np.float32)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "kept"),
    [([], np.array(8000)), ([1], np.array(8000)), ([], np.array([8000]))],
    ids=["scalar", "one for a scalar", "scalar for one"],
)
def test_inputs_that_are_the_same_for_all_cases(
    suite: Suite, rate: list[int], kept: np.ndarray[Any, Any]
) -> None:
    scaled(suite, rate)
    table = RNG.normal(size=(6, 3)).astype(np.float32)
    kind = np.arange(CASES) % 6
    ready = suite.ready(
        {"x": X[:, 0], "rate": kept, "table": table, "kind": kind},
        variant(),
        backends=("onnxruntime", "openvino"),
        data='whole = ["table"]',
    )
    same(suite.measure(ready), X[:, 0] * 8 + table[kind], cells=6)


def test_an_array_of_another_length_is_not_taken_for_the_same_for_all(suite: Suite) -> None:
    scaled(suite, [])
    arrays = {"x": X[:, 0], "rate": np.array(8000), "kind": np.arange(CASES) % 6}
    with pytest.raises(ConfigError, match=r"'table' has 6 cases.*name it in data\.whole"):
        suite.ready({**arrays, "table": np.zeros((6, 3), np.float32)}, variant())
    with pytest.raises(ConfigError, match=r"'table', the same for all cases, has shape 6x4"):
        suite.ready(
            {**arrays, "table": np.zeros((6, 4), np.float32)}, variant(), data='whole = ["table"]'
        )
    with pytest.raises(ConfigError, match=r"data\.whole: no array 'tabel'; did you mean table\?"):
        suite.ready(
            {**arrays, "table": np.zeros((6, 3), np.float32)}, variant(), data='whole = ["tabel"]'
        )


def remembering(suite: Suite) -> None:
    """hn = tanh(x A + h), y = hn B."""
    suite.save(
        "base.onnx",
        [
            node("MatMul", ["x", "A"], ["new"]),
            node("Add", ["new", "h"], ["sum"]),
            node("Tanh", ["sum"], ["hn"]),
            node("MatMul", ["hn", "B"], ["y"]),
        ],
        [value("x", FLOAT, ["n", 3]), value("h", FLOAT, ["n", 3])],
        [value("y", FLOAT, ["n", 2]), value("hn", FLOAT, ["n", 3])],
        {"A": A, "B": B},
    )


@pytest.mark.parametrize("start", [None, np.full((1, 3), 0.5, np.float32)], ids=["zeros", "given"])
def test_state_is_carried_from_case_to_case(suite: Suite, start: Any) -> None:
    remembering(suite)
    arrays = {"x": X[:, 0], **({} if start is None else {"h": start})}
    ready = suite.ready(
        arrays,
        variant(state='{ h = "hn" }'),
        backends=("onnxruntime", "openvino"),
        quality="1",
        data='output = "y"' + ('\nwhole = ["h"]' if start is not None else ""),
    )
    held, kept = (np.zeros((1, 3)) if start is None else start), []
    for case in X[:, 0]:
        held = np.tanh(case[None] @ A + held)
        kept.append(held[0])
    hidden = np.array(kept)
    same(suite.measure(ready), hidden @ B, hidden, cells=4)
    skipped = {(skip.batch, skip.reason.kind.value) for skip in ready.plan.skips}
    assert skipped == {(4, "state")}


def test_state_that_does_not_fit(suite: Suite) -> None:
    remembering(suite)
    for said, wanted in (
        ('{ h = "y" }', "only what has the same type and shape can be fed back"),
        ('{ hh = "hn" }', "state.hh: .* has no input 'hh'; did you mean h?"),
        ('{ h = "h" }', "has no output 'h'; did you mean hn?"),
    ):
        with pytest.raises(ConfigError, match=wanted.replace("?", r"\?")):
            suite.ready({"x": X[:, 0]}, variant(state=said))
    with pytest.raises(ConfigError, match="no array for model input 'h'"):
        suite.ready({"x": X[:, 0]}, variant())


@pytest.mark.parametrize(
    ("base", "other", "h", "wanted"),
    [
        (
            'state={ h = "hn" }',
            "",
            None,
            r"variant v: input 'h' has neither data nor state.*write state = \{ h = \"hn\" \} in v",
        ),
        (
            "",
            'state={ h = "hn" }',
            None,
            r"variant base: input 'h' has neither.*state = \{ h = \"hn\" \} in base too, or give",
        ),
        (
            "",
            "batch_axis={ h = false }",
            X[:, 0],
            r"variant v: input 'h' does not run over cases .*one of it for each case; remove that",
        ),
        (
            "",
            "batch_axis={ y = false }",
            X[:, 0],
            r"variant v: output 'y' is left out .*batch_axis = \{ y = false \} in base too",
        ),
    ],
    ids=["state of the baseline only", "of the other only", "whole of one only", "output left out"],
)
@pytest.mark.parametrize("make", [True, False], ids=["run", "dry run"])
def test_what_is_said_of_one_variant_only_is_refused_before_anything(
    suite: Suite, base: str, other: str, h: Any, wanted: str, make: bool
) -> None:
    remembering(suite)
    arrays = {"x": X[:, 0], **({} if h is None else {"h": h})}
    told = [dict([said.split("=", 1)]) if said else {} for said in (base, other)]
    variants = variant(**told[0]) + variant("v", **told[1])
    with pytest.raises(ConfigError, match=wanted):
        suite.ready(arrays, variants, quality="1", batches="[1]", data='output = "y"', make=make)


def test_outputs_that_are_no_numbers_of_cases_are_left_out_and_told(suite: Suite) -> None:
    """A detector with its suppression inside: (detections, 3) of a whole batch, and text."""
    suite.save(
        "base.onnx",
        [
            node("NonMaxSuppression", ["boxes", "scores", "most", "overlap", "least"], ["kept"]),
            node("ReduceMax", ["scores"], ["best"], axes=[2], keepdims=0),
            node("Constant", [], ["name"], value_strings=[b"detector"]),
        ],
        [value("boxes", FLOAT, ["n", 6, 4]), value("scores", FLOAT, ["n", 2, 6])],
        [
            value("kept", TensorProto.INT64, ["d", 3]), value("best", FLOAT, ["n", 2]),
            value("name", TensorProto.STRING, [1]),
        ],
        {
            "most": np.array([10]), "overlap": np.array([0.5], np.float32),
            "least": np.array([0.1], np.float32),
        },
    )  # fmt: skip
    scores = RNG.uniform(size=(CASES, 2, 6)).astype(np.float32)
    boxes = RNG.uniform(size=(CASES, 6, 4)).astype(np.float32)
    ready = suite.ready({"boxes": boxes, "scores": scores}, variant())
    same(suite.measure(ready), None, scores.max(2), None, cells=3)
    told = ready.prepared.provenance["outputs left out"]
    assert "output kept: it does not run over cases" in told
    assert "output name: it holds text" in told
    assert any("kept" in line and "not compared" in line for line in suite.told)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int64", "bool", "float16", "float64", "int32"]
)
def test_types_of_inputs_and_outputs(suite: Suite, dtype: str) -> None:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    suite.save(
        "base.onnx",
        [
            node("Cast", ["x"], ["real"], to=FLOAT),
            node("MatMul", ["real", "B"], ["y"]),
            node("Cast", ["real"], ["back"], to=kind),
        ],
        [value("x", kind, ["n", 3])],
        [value("y", FLOAT, ["n", 2]), value("back", kind, ["n", 3])],
        {"B": B},
    )
    x = (RNG.uniform(0, 100, size=(CASES, 3)) % (2 if dtype == "bool" else 100)).astype(dtype)
    ready = suite.ready(
        {"x": x},
        variant(),
        backends=("onnxruntime", "openvino"),
        batches="1",
        data='output = "y"',
    )
    found = suite.measure(ready)
    same(found, x.astype(np.float32) @ B, x, cells=4)
    assert {outputs[1].dtype.name for outputs in found.values()} == {dtype}


def test_text_goes_where_a_runtime_takes_it(suite: Suite) -> None:
    words = np.array(["a", "bb", "a", "c", "bb", "a", "c", "c", "bb"])
    graph = helper.make_graph(
        [
            node("LabelEncoder", ["word"], ["number"], domain="ai.onnx.ml",
                 keys_strings=["a", "bb", "c"], values_floats=[1.0, 2.0, 3.0]),
            node("Unsqueeze", ["number", "axis"], ["y"]),
        ],
        "graph",
        [value("word", TensorProto.STRING, ["n"])],
        [value("y", FLOAT, ["n", 1])],
        [numpy_helper.from_array(np.array([1]), "axis")],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=8), suite.folder / "base.onnx"
    )
    ready = suite.ready({"word": words}, variant(), backends=("onnxruntime", "openvino"))
    numbers = np.array([[{"a": 1, "bb": 2, "c": 3}[word]] for word in words])
    same(suite.measure(ready), numbers, cells=3)
    assert {skip.reason.text for skip in ready.plan.skips if skip.backend == "openvino"} == {
        "input word is text, which only onnxruntime takes here"
    }
    with pytest.raises(ConfigError, match="'word' is float32 in the data and string in the model"):
        suite.ready({"word": np.ones(CASES, np.float32)}, variant())
