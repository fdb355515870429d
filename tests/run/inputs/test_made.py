"""Inputs that are made up fit what reads them: onnxruntime takes them, and refuses others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress.files.onnx import inspect_onnx
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.run.inputs.asked_shapes import AskedShapes
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.signature import ModelInput, signature
from benchhub.run.inputs.sizes import sized

ROWS = 37


def write(
    path: Path,
    inputs: Sequence[tuple[str, int, Sequence[int | str]]],
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str],
    **weights: Array,
) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def write_embedding(path: Path, through: str = "") -> Path:
    """A table of ROWS that ids index, behind a Cast if asked for, times a mask."""
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["cast"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "cast" if through else "input_ids"], ["found"]),
        helper.make_node("Gather", ["places", "position_ids"], ["placed"]),
        helper.make_node("Add", ["found", "placed"], ["y"]),
    ]
    shape = ["b", "s"]
    return write(
        path,
        [("input_ids", TensorProto.INT64, shape), ("position_ids", TensorProto.INT64, shape)],
        nodes[0 if through else 1 :],
        ["b", "s", 2],
        table=np.ones((ROWS, 2), np.float32),
        places=np.ones((11, 2), np.float32),
    )


@pytest.mark.parametrize("through", ["", "Cast"])
def test_indices_stay_within_the_table_that_reads_them_and_use_all_of_it(
    tmp_path: Path, through: str
) -> None:
    variant = inspect_onnx("m", write_embedding(tmp_path / "m.onnx", through))
    inputs = signature(variant)
    assert [(one.name, one.rows) for one in inputs] == [("input_ids", ROWS), ("position_ids", 11)]
    asked = AskedShapes({"input_ids": (2, 500)})
    made, said = made_inputs("m", inputs, sized("m", inputs, asked))
    session = onnxruntime.InferenceSession(str(variant.path), providers=["CPUExecutionProvider"])
    assert session.run(None, made)[0].shape == (2, 500, 2)  # refuses an index beyond a table
    assert made["input_ids"].max() > ROWS * 0.9
    assert made["position_ids"][0].tolist() == [*range(11), *[10] * 489]
    assert "input_ids int64 2x500 below 37" in said
    with pytest.raises(Exception, match="indices element out of data bounds"):
        session.run(None, {**made, "input_ids": made["input_ids"] + ROWS})


@pytest.mark.parametrize("place", ["inside", "another file", "node"])
def test_a_scalar_is_what_the_model_compares_it_with(tmp_path: Path, place: str) -> None:
    nodes = [
        helper.make_node("Equal", ["sr", "rate"], ["same"]),
        helper.make_node("Cast", ["same"], ["factor"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    path = write(
        tmp_path / "m.onnx",
        [("x", TensorProto.FLOAT, ["n", 4]), ("sr", TensorProto.INT64, [])],
        nodes,
        ["n", 4],
        rate=np.array(16000, np.int64),
    )
    if place == "another file":
        onnx.save(onnx.load(path), path, save_as_external_data=True, size_threshold=0)
    if place == "node":
        model = onnx.load(path)
        del model.graph.initializer[:]
        model.graph.node.insert(0, helper.make_node("Constant", [], ["rate"], value_int=16000))
        onnx.save(model, path)
    inputs = signature(inspect_onnx("m", path))
    made, _ = made_inputs("m", inputs, sized("m", inputs, AskedShapes()))
    assert made["sr"].shape == ()
    assert made["sr"] == 16000


def made_of(*inputs: ModelInput, cases: int = 1) -> dict[str, Array]:
    return made_inputs("m", inputs, sized("m", inputs, AskedShapes()), cases)[0]


def test_floats_are_standard_normal_bytes_fill_their_range_and_all_is_the_same_every_time() -> None:
    inputs = (
        ModelInput("x", "float32", (1, 64, 64)),
        ModelInput("image", "uint8", (1, 64, 64, 3)),
        ModelInput("levels", "int8", (1, 64, 64)),
        ModelInput("half", "float16", (1, 8)),
    )
    made = made_of(*inputs)
    assert {name: (array.dtype.name, array.shape) for name, array in made.items()} == {
        one.name: (one.dtype, one.axes) for one in inputs
    }
    assert abs(made["x"].mean()) < 0.1
    assert abs(made["x"].std() - 1) < 0.1
    assert (made["image"].min(), made["image"].max()) == (0, 255)
    assert (made["levels"].min(), made["levels"].max()) == (-128, 127)
    for name, array in made_of(*inputs).items():
        np.testing.assert_array_equal(array, made[name])


def test_names_that_say_what_an_input_is() -> None:
    made = made_of(
        ModelInput("features", "float32", (3, 50, 80)),
        ModelInput("feature_lens", "int64", (3,)),
        ModelInput("attention_mask", "int64", (3, 6)),
        ModelInput("pixel_mask", "bool", (3, 6)),
        ModelInput("token_type_ids", "int32", (3, 6)),
        ModelInput("training_mode", "bool", (3,)),
        ModelInput("other", "int64", (3, 400)),
    )
    assert made["feature_lens"].tolist() == [80, 80, 80]
    assert made["attention_mask"].all()
    assert made["pixel_mask"].all()
    assert not made["token_type_ids"].any()
    assert not made["training_mode"].any()
    assert set(np.unique(made["other"])) == {0, 1}


def test_a_length_is_that_of_the_axis_that_the_model_leaves_open() -> None:
    inputs = (
        ModelInput("audio", "float32", ("b", 80, "t")),
        ModelInput("length", "int64", ("b",)),
    )
    asked = AskedShapes({"audio": (2, 80, 50)})
    assert made_inputs("m", inputs, sized("m", inputs, asked))[0]["length"].tolist() == [50, 50]


def test_more_cases_than_a_batch_can_be_had() -> None:
    assert made_of(ModelInput("x", "float32", (1, 5)), cases=4)["x"].shape == (4, 5)


def test_words_cannot_be_made_up() -> None:
    with pytest.raises(ConfigError, match="input text is string, which cannot be made up"):
        made_of(ModelInput("text", "string", (1, 2)))
