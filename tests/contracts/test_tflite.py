"""What the tflite backend adds to the contract: resolvers, open batches, integers, and refusals."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite
from project import make_project
from repository import ROOT
from subjects import expected_scores, images
from waiting import PATIENCE_S

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.failed import Failed

MODELS = Path(__file__).parent / "models"
TINY, INT8 = MODELS / "tiny.tflite", MODELS / "tiny-int8.tflite"


def load(path: Path, **settings: Any) -> Any:
    return backends.find("tflite").load(str(path), LoadOptions(format="tflite", **settings))


def schema_of_files() -> Any:
    """Return the classes of the format, which come with the runtime and load it."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def changed(path: Path, change: Callable[[Any], None], source: Path = TINY) -> Path:
    """Write a copy of a model whose flatbuffer `change` was applied to."""
    schema = schema_of_files()
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(source.read_bytes(), 0))
    change(tree)
    builder = flatbuffers.Builder(4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_the_runtime_is_named_with_its_version(native: None) -> None:
    from importlib.metadata import version

    backend = backends.find("tflite")
    assert backend.version() == f"ai-edge-litert {version('ai-edge-litert')}"
    assert backends.installed_version(backends.described("tflite")) == backend.version()
    assert load(TINY).details["distribution"] == "ai-edge-litert"


@pytest.mark.parametrize("model", [TINY, INT8], ids=["fp32", "int8"])
def test_xnnpack_can_be_left_out_and_what_ran_is_said(model: Path, native: None) -> None:
    fast = load(model, batch=4)
    plain = load(model, batch=4, options={"xnnpack": False})
    assert (fast.provider, plain.provider) == ("XNNPACK", "builtin")
    assert fast.details["xnnpack_partitions"] > 0
    assert plain.details["xnnpack_partitions"] == 0
    assert (fast.details["xnnpack_asked"], plain.details["xnnpack_asked"]) == (True, False)
    step = max((one["scale"] for one in plain.details.get("scales", {}).values()), default=1e-5)
    (one,), (other,) = fast.run(images(4)), plain.run(images(4))
    np.testing.assert_allclose(one, other, atol=1.01 * step)


def test_an_open_batch_is_fixed_to_any_size(native: None) -> None:
    for batch in (1, 2, 7, 32):
        session = load(TINY, batch=batch)
        assert session.inputs[0].shape[0] is None
        (found,) = session.run(images(batch))
        np.testing.assert_allclose(found, expected_scores(images(batch)), rtol=1e-4, atol=1e-5)


def test_a_fixed_batch_serves_no_other(tmp_path: Path, native: None) -> None:
    def close(tree: Any) -> None:
        for tensor in tree.subgraphs[0].tensors:
            tensor.shapeSignature = None

    fixed = changed(tmp_path / "fixed", close)
    assert load(fixed, batch=1).inputs[0].shape == (1, 3, 12, 12)
    with pytest.raises(ValueError, match=r"image is fixed at batch 1, not 4"):
        load(fixed, batch=4)


def test_a_batch_that_is_open_in_name_only_is_refused(tmp_path: Path, native: None) -> None:
    """Converters that fix the batch inside leave the input's open: it cannot be prepared."""

    schema = schema_of_files()

    def fix_inside(tree: Any) -> None:
        (graph,) = tree.subgraphs
        shape = np.array([1, 3, 12, 12], np.int32)
        tree.operatorCodes.append(schema.OperatorCodeT())
        tree.operatorCodes[-1].builtinCode = tflite.BuiltinOperator.RESHAPE
        tree.operatorCodes[-1].deprecatedBuiltinCode = tflite.BuiltinOperator.RESHAPE
        tree.operatorCodes[-1].version = 1
        tree.buffers.append(schema.BufferT())
        tree.buffers[-1].data = shape.view(np.uint8)
        sizes, same = schema.TensorT(), schema.TensorT()
        sizes.name, sizes.shape, sizes.buffer = b"sizes", [4], len(tree.buffers) - 1
        sizes.type = tflite.TensorType.INT32
        same.name, same.shape, same.buffer = b"same", shape.tolist(), 0
        graph.tensors += [sizes, same]
        reshape = schema.OperatorT()
        reshape.opcodeIndex = len(tree.operatorCodes) - 1
        reshape.inputs = [graph.inputs[0], len(graph.tensors) - 2]
        reshape.outputs = [len(graph.tensors) - 1]
        for operator in graph.operators:
            operator.inputs = [reshape.outputs[0] if i == graph.inputs[0] else i
                               for i in operator.inputs]  # fmt: skip
        graph.operators = [reshape, *graph.operators]

    path = changed(tmp_path / "inside", fix_inside)
    (found,) = load(path).run(images(1))
    np.testing.assert_allclose(found, expected_scores(images(1)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="cannot be prepared for batch 4"):
        load(path, batch=4)


def test_integers_are_scaled_outside_the_call(native: None) -> None:
    session = load(INT8, batch=4)
    assert [tensor.dtype for tensor in (*session.inputs, *session.outputs)] == ["float32"] * 2
    assert session.details["int8_io"] == "scaled outside the timed region"
    scales = session.details["scales"]
    assert {name: one["dtype"] for name, one in scales.items()} == {
        "image": "int8",
        "scores": "int8",
    }
    (found,) = session.run(images(4))
    wanted = expected_scores(images(4))
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 0.1 * wanted.std()
    steps = found / np.float32(scales["scores"]["scale"])
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    call = session.bind(images(4))
    assert len(call()) == 1
    np.testing.assert_array_equal(call()[0], found)


def test_values_beyond_the_range_saturate(native: None) -> None:
    session = load(INT8)
    scale = session.details["scales"]["image"]
    most = (127 - scale["zero_point"]) * scale["scale"]
    edge = {"image": np.full((1, 3, 12, 12), most, np.float32)}
    beyond = {"image": np.full((1, 3, 12, 12), 100 * most, np.float32)}
    np.testing.assert_array_equal(session.run(edge)[0], session.run(beyond)[0])


def test_float_models_say_nothing_of_scales(native: None) -> None:
    assert "int8_io" not in load(TINY).details


def test_every_bound_call_has_an_interpreter_of_its_own(native: None) -> None:
    session = load(TINY, batch=2, concurrency=3, threads=2)
    calls = [session.bind(images(2, seed=seed)) for seed in range(3)]
    wrong: list[int] = []

    def work(seed: int) -> None:
        wanted = expected_scores(images(2, seed=seed))
        for _ in range(50):
            if not np.allclose(calls[seed]()[0], wanted, atol=1e-4):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    session.run(images(2, seed=9))
    np.testing.assert_allclose(calls[0]()[0], expected_scores(images(2, seed=0)), atol=1e-4)


def test_names_come_from_tensors_where_there_is_no_signature(tmp_path: Path, native: None) -> None:
    def unsign(tree: Any) -> None:
        tree.signatureDefs = []
        (graph,) = tree.subgraphs
        graph.tensors[graph.inputs[0]].name = b"serving_default_image:0"
        graph.tensors[graph.outputs[0]].name = b"StatefulPartitionedCall:0"

    session = load(changed(tmp_path / "unsigned", unsign))
    assert [tensor.name for tensor in session.inputs] == ["image"]
    assert [tensor.name for tensor in session.outputs] == ["StatefulPartitionedCall"]


def test_an_unknown_operator_is_unsupported(tmp_path: Path, native: None) -> None:
    def customize(tree: Any) -> None:
        kinds = tflite.BuiltinOperator
        (mean,) = (n for n, one in enumerate(tree.operatorCodes) if one.builtinCode == kinds.MEAN)
        code = tree.operatorCodes[mean]
        code.builtinCode = code.deprecatedBuiltinCode = kinds.CUSTOM
        code.customCode = b"ShuffleLungs"
        for operator in tree.subgraphs[0].operators:
            if operator.opcodeIndex == mean:
                operator.builtinOptionsType, operator.builtinOptions = 0, None

    with pytest.raises(Failed, match=r"ai-edge-litert \d\S+: .*ShuffleLungs") as caught:
        load(changed(tmp_path / "custom", customize))
    assert caught.value.kind == "unsupported"


def test_an_operator_newer_than_the_runtime_is_unsupported(tmp_path: Path, native: None) -> None:
    def age(tree: Any) -> None:
        for code in tree.operatorCodes:
            code.version = 99

    with pytest.raises(Failed, match="99") as caught:
        load(changed(tmp_path / "future", age))
    assert caught.value.kind == "unsupported"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no TFLite file"),
        (b"\x08\x08not a model" * 50, "is no TFLite file"),
        (b"\x00\x01\x00\x00TFL3", "cut short"),
        (b"\x1c\x00\x00\x00TFL3" + b"\xff" * 400, "Flatbuffer"),
    ],
)
def test_what_is_no_model_is_refused(
    tmp_path: Path, content: bytes, reason: str, native: None
) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        load(tmp_path / "bad")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_model_cut_short_is_refused(tmp_path: Path, share: float, native: None) -> None:
    blob = TINY.read_bytes()
    (tmp_path / "cut").write_bytes(blob[: int(share * len(blob))])
    with pytest.raises(ValueError, match=r"Flatbuffer|cut short"):
        load(tmp_path / "cut")


@pytest.mark.usefixtures("processes")
def test_a_file_of_another_format_fails_its_cells_and_no_others(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime", "tflite"), launches=1)
    done = project.run("run", "tiny", "--device", "here", "--json")
    assert done.code == 0, done.err
    assert {row["backend"] for row in done.json["rows"]} == {"onnxruntime"}
    assert {skip["reason"] for skip in done.json["skips"]} == {"tflite reads tflite, not onnx"}


@pytest.mark.usefixtures("processes")
def test_tflite_runtime_beside_numpy_2_is_refused_in_one_line(tmp_path: Path) -> None:
    """Its import would succeed, and then every load fail: checked before it is imported."""
    (tmp_path / "ai_edge_litert.py").write_text(
        "raise ModuleNotFoundError('No module named ai_edge_litert')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import benchhub.ondevice.backends.tflite.runtime"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    (line,) = (one for one in done.stderr.splitlines() if one.startswith("ImportError"))
    assert "tflite-runtime needs numpy below 2" in line
    assert "install ai-edge-litert" in line
