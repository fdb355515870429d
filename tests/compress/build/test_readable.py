"""Files that a runtime here cannot load: each is asked once, and what others can is no matter."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import flatbuffers
import pytest
from odd_models import write_double, write_foreign, write_odd
from project import write_model
from repository import TESTS

from benchhub.compress.build.readable import unreadable
from benchhub.compress.files.look import inspect_model
from benchhub.model.asked import Agreement, Suite
from benchhub.model.cell import SkipKind, Variant
from benchhub.model.recipe import Recipe


def suite(*backends: str, **options: Any) -> Suite:
    return Suite(
        name="s", path=Path("s.toml"), task="npz", baseline="m", backends=backends, variants=(),
        scenarios=(), budgets=(), effort="quick", data={}, precisions=("f32",),
        agreement=Agreement(), seed=0, options=options,
    )  # fmt: skip


def model(path: Path) -> Variant:
    return inspect_model(path.stem, path)


@pytest.mark.usefixtures("processes")
def test_each_runtime_says_what_it_lacks(tmp_path: Path) -> None:
    models = [
        model(write_foreign(tmp_path / "foreign.onnx")),
        model(write_odd(tmp_path / "late.onnx", opset=99)),
        model(write_double(tmp_path / "double.onnx")),
        model(write_model(tmp_path / "plain.onnx")),
    ]
    found = unreadable(suite("onnxruntime", "openvino"), models, tmp_path / "cache")
    assert {reason.kind for reason in found.values()} == {SkipKind.UNREADABLE}
    told = {key: reason.text for key, reason in found.items()}
    assert told.keys() == {
        ("foreign", "onnxruntime"), ("foreign", "openvino"), ("late", "onnxruntime"),
        ("double", "onnxruntime"),
    }  # fmt: skip
    for (_, backend), text in told.items():
        assert text.startswith(f"{backend} "), "names the runtime, and its version"
        assert "\n" not in text
        assert "another backend" in text
    assert "no operator org.example:Frobnicate" in told["foreign", "onnxruntime"]
    assert "org.example.Frobnicate" in told["foreign", "openvino"]
    assert "and the model is of 99" in told["late", "onnxruntime"]
    assert "no Elu(6) node with name 'bend' of these types" in told["double", "onnxruntime"]


@pytest.mark.usefixtures("processes", "native")
@pytest.mark.parametrize("what", ["custom", "version"])
def test_a_tflite_file_with_an_operator_that_the_interpreter_lacks(
    what: str, tmp_path: Path
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    source = TESTS / "contracts" / "models" / "tiny.tflite"
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(source.read_bytes(), 0))
    code = tree.operatorCodes[0]
    if what == "version":
        code.version = 99
    else:
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"ShuffleLungs"
        for operator in tree.subgraphs[0].operators:
            if operator.opcodeIndex == 0:
                operator.builtinOptionsType, operator.builtinOptions = 0, None
    builder = flatbuffers.Builder(4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    (tmp_path / "odd.tflite").write_bytes(bytes(builder.Output()))
    models = [model(tmp_path / "odd.tflite"), inspect_model("plain", source)]
    found = unreadable(suite("tflite"), models, tmp_path / "cache")
    assert found.keys() == {("odd", "tflite")}
    text = found["odd", "tflite"].text
    assert ("99" if what == "version" else "ShuffleLungs") in text
    assert text.startswith("ai-edge-litert ")


@pytest.mark.usefixtures("processes")
def test_what_a_runtime_said_is_kept_for_its_version(tmp_path: Path) -> None:
    foreign = model(write_foreign(tmp_path / "foreign.onnx"))
    first = unreadable(suite("onnxruntime"), [foreign], tmp_path / "cache")
    (kept,) = (tmp_path / "cache").rglob("trials.json")
    told = json.loads(kept.read_text())
    ((version, trial),) = told.items()
    assert first["foreign", "onnxruntime"].text == trial["cause"]
    kept.write_text(json.dumps({version: {**trial, "cause": "as it was kept"}}))
    again = unreadable(suite("onnxruntime"), [foreign], tmp_path / "cache")
    assert again["foreign", "onnxruntime"].text == "as it was kept"
    kept.write_text(json.dumps({"onnxruntime 0.1": trial}))
    assert unreadable(suite("onnxruntime"), [foreign], tmp_path / "cache") == first


def test_no_process_is_started_for_others(tmp_path: Path) -> None:
    """This test asks for no processes, and to start one fails it."""
    foreign = model(write_foreign(tmp_path / "foreign.onnx"))
    made = dataclasses.replace(foreign, recipe=Recipe("fp16", {}))
    to_make = dataclasses.replace(made, sha256="", path=Path())
    plain = model(write_model(tmp_path / "plain.onnx"))
    cache = tmp_path / "cache"
    assert unreadable(suite("onnxruntime", "openvino"), [made, to_make, plain], cache) == {}
    chosen = suite("onnxruntime", onnxruntime={"provider": "cuda"})
    assert unreadable(chosen, [foreign], cache) == {}
    assert unreadable(suite("tflite", "null"), [foreign], cache) == {}
