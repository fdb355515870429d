"""int8 of models with state, numbers for all cases and other axes, held against a bare runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from measured_suite import CASES, FLOAT, Suite, node, value, variant
from onnx import TensorProto

from benchhub.compress.build.calls import Calls
from benchhub.compress.files.arranged import arranged
from benchhub.compress.files.look import inspect_model
from benchhub.errors import ConfigError
from benchhub.model.asked import Arrangement
from benchhub.run.execute import Ready

pytestmark = pytest.mark.usefixtures("native", "processes")

RNG = np.random.default_rng(12)
HIDDEN, INPUTS, CLASSES = 16, 8, 4
X = RNG.normal(size=(CASES, 1, INPUTS)).astype(np.float32)
TRAINING = RNG.normal(size=(48, 1, INPUTS)).astype(np.float32)
GRU = {
    "W": RNG.normal(size=(1, 3 * HIDDEN, INPUTS)).astype(np.float32) * 0.4,
    "R": RNG.normal(size=(1, 3 * HIDDEN, HIDDEN)).astype(np.float32) * 0.4,
    "out": RNG.normal(size=(HIDDEN, CLASSES)).astype(np.float32),
    "mix": np.linalg.qr(RNG.normal(size=(HIDDEN, HIDDEN)))[0].astype(np.float32) * np.float32(0.65),
    "flat": np.array([1, HIDDEN]),
    "deep": np.array([1, 1, HIDDEN]),
}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def gru(suite: Suite) -> None:
    """.3 of a GRU of one step and .65 of the state before, turned, are fed back; classes of both.

    It adds up to 6 at most: what a stream reaches is out of reach in a call that begins at zeros.
    """
    suite.save(
        "base.onnx",
        [
            node("GRU", ["x", "W", "R", "", "", "h"], ["", "after"], hidden_size=HIDDEN),
            node("Reshape", ["h", "flat"], ["old"]),
            node("MatMul", ["old", "mix"], ["mixed"]),
            node("Reshape", ["mixed", "deep"], ["tall"]),
            node("Mul", ["after", "share"], ["less"]),
            node("Add", ["less", "tall"], ["hn"]),
            node("Reshape", ["hn", "flat"], ["row"]),
            node("MatMul", ["row", "out"], ["y"]),
        ],
        [value("x", FLOAT, [1, 1, INPUTS]), value("h", FLOAT, [1, 1, HIDDEN])],
        [value("y", FLOAT, [1, CLASSES]), value("hn", FLOAT, [1, 1, HIDDEN])],
        {**GRU, "share": np.float32(0.3)},
    )


def streamed(path: Path, x: Any, start: Any) -> tuple[Any, Any]:
    """What a bare session answers call after call, and the states that it was given."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    h, answers, states = start, [], []
    for row in x:
        states.append(h)
        y, h = session.run(["y", "hn"], {"x": row[None], "h": h})
        answers.append(y)
    return np.concatenate(answers), np.stack(states)


def error(found: Any, right: Any) -> float:
    """The root mean square difference, of the spread of what is right."""
    return float(np.sqrt(np.mean((found - right) ** 2)) / right.std())


def made(ready: Ready, name: str) -> Path:
    assert name not in ready.prepared.unbuilt, ready.prepared.unbuilt
    return next(one.path for one in ready.prepared.variants if one.name == name)


def ranges(path: Path) -> dict[str, float]:
    """The largest value that each quantized activation can hold, by what it is made of."""
    model = onnx.load(str(path))
    held = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    return {
        one.input[0]: float(held[one.input[1]] * (255 - int(held[one.input[2]])))
        for one in model.graph.node
        if one.op_type == "QuantizeLinear" and held[one.input[1]].size == 1
    }


@pytest.mark.parametrize("recipe", ["int8-static", "int8-nncf"])
def test_state_is_fed_from_call_to_call(suite: Suite, recipe: str) -> None:
    gru(suite)
    small = f'\n[[variants]]\nname = "small"\nfrom = "base"\nrecipe = {{ name = "{recipe}"'
    ready = suite.ready(
        {"x": X, "labels": np.arange(CASES) % CLASSES, "calibration_x": TRAINING},
        variant(state='{ h = "hn" }') + small + ", calibration_cases = 48 }\n",
        quality="1", batches="[1]", data='output = "y"',
    )  # fmt: skip
    start = np.zeros((1, 1, HIDDEN), np.float32)
    right, _ = streamed(suite.folder / "base.onnx", X[:, 0][:, None], start)
    file = made(ready, "small")
    found, _ = streamed(file, X[:, 0][:, None], start)
    assert 0 < error(found, right) < 0.2
    if recipe == "int8-static":
        _, states = streamed(suite.folder / "base.onnx", TRAINING[:, 0][:, None], start)
        seen = float(states.max())
        assert seen > 2 * float(states[1].max())  # calls from zeros would have shown that much
        tops = {name: top for name, top in ranges(file).items() if name in ("h", "old", "hn")}
        assert "h" in tops or "old" in tops, ranges(file)
        assert tops == pytest.approx(dict.fromkeys(tops, seen), rel=0.1)
    ran = suite.measure(ready)
    outputs = [of[0] for cell, of in ran.items() if cell.variant == "small" and len(of[0]) > 4]
    assert len(outputs) == 1
    np.testing.assert_allclose(outputs[0], found, atol=1e-4)


def rated(suite: Suite) -> None:
    """x A times a rate in thousandths, then B: the rate is one number for all cases."""
    suite.save(
        "base.onnx",
        [
            node("Cast", ["rate"], ["real"], to=FLOAT),
            node("Div", ["real", "thousand"], ["factor"]),
            node("MatMul", ["x", "A"], ["a"]),
            node("Mul", ["a", "factor"], ["scaled"]),
            node("Tanh", ["scaled"], ["t"]),
            node("MatMul", ["t", "B"], ["y"]),
        ],
        [value("x", FLOAT, ["n", INPUTS]), value("rate", TensorProto.INT64, [])],
        [value("y", FLOAT, ["n", CLASSES])],
        {
            "A": RNG.normal(size=(INPUTS, HIDDEN)).astype(np.float32),
            "B": RNG.normal(size=(HIDDEN, CLASSES)).astype(np.float32),
            "thousand": np.array(1000, np.float32),
        },
    )


@pytest.mark.parametrize("recipe", ["int8-static", "int8-nncf"])
def test_a_number_for_all_cases_is_given_as_it_is(suite: Suite, recipe: str) -> None:
    rated(suite)
    rate = np.array(700)
    small = f'\n[[variants]]\nname = "small"\nfrom = "base"\nrecipe = {{ name = "{recipe}"'
    ready = suite.ready(
        {
            "x": X[:, 0], "rate": rate, "labels": np.arange(CASES) % CLASSES,
            "calibration_x": TRAINING[:, 0],
        },
        variant() + small + ", calibration_cases = 48 }\n",
    )  # fmt: skip

    def answers(path: Path) -> Any:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return session.run(["y"], {"x": X[:, 0], "rate": rate})[0]

    right = answers(suite.folder / "base.onnx")
    assert 0 < error(answers(made(ready, "small")), right) < 0.1


def of_stream(suite: Suite, **arrays: Any) -> Calls:
    gru(suite)
    told = arranged(
        inspect_model("base", suite.folder / "base.onnx"), Arrangement(state={"h": "hn"})
    )
    return Calls(told, {"x": X}, arrays)


def test_calls_are_what_a_bare_loop_gives(suite: Suite) -> None:
    for start in (None, RNG.normal(size=(1, 1, HIDDEN)).astype(np.float32)):
        found = of_stream(suite, **({} if start is None else {"h": start}))
        calls = found.first()
        begun = np.zeros((1, 1, HIDDEN), np.float32) if start is None else start
        _, states = streamed(suite.folder / "base.onnx", X[:, 0][:, None], begun)
        assert len(calls) == CASES
        for call, row, state in zip(calls, X, states, strict=True):
            np.testing.assert_array_equal(call["x"], row[None])
            np.testing.assert_allclose(call["h"], state, atol=1e-6)
        assert found.plain is None


def test_state_of_another_shape_is_one_line(suite: Suite) -> None:
    with pytest.raises(ConfigError, match="leave it out to start with zeros"):
        of_stream(suite, h=np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("batch", ["n", 3])
def test_cases_along_another_axis_and_a_fixed_batch(suite: Suite, batch: Any) -> None:
    suite.save(
        "base.onnx",
        [node("MatMul", ["x", "A"], ["each"]), node("ReduceSum", ["each", "axis"], ["y"])],
        [value("x", FLOAT, [5, batch, INPUTS])],
        [value("y", FLOAT, [1, batch, CLASSES])],
        {
            "A": RNG.normal(size=(INPUTS, CLASSES)).astype(np.float32),
            "axis": np.array([0]),
        },
    )
    plain = inspect_model("base", suite.folder / "base.onnx")
    told = arranged(plain, Arrangement(batch_axis={"x": 1, "y": 1}))
    data = RNG.normal(size=(CASES, 5, INPUTS)).astype(np.float32)
    calls = Calls(told, {"x": data}, {}).first()
    size = 3 if batch == 3 else 1
    assert {call["x"].shape for call in calls} == {(5, size, INPUTS)}
    given = np.concatenate([call["x"] for call in calls], axis=1)
    np.testing.assert_array_equal(given, data.transpose(1, 0, 2))
