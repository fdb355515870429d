"""What every backend promises; a new one joins by a line in SUBJECTS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions


@dataclass(frozen=True)
class Subject:
    """A backend under test; `computes` is False for one that has no inputs and outputs."""

    name: str
    computes: bool = True
    precision: str = "f32"


SUBJECTS = (
    Subject("null", computes=False, precision="none"),
    Subject("onnxruntime"),
    Subject("openvino"),
)
COMPUTING = tuple(subject for subject in SUBJECTS if subject.computes)
each = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
each_computing = pytest.mark.parametrize("subject", COMPUTING, ids=lambda subject: subject.name)


def build_tiny_model(path: Path, batch: int | str = "n") -> Path:
    """Write conv 3x3 > relu > global average > flatten: (batch, 3, 12, 12) to (batch, 5)."""
    weights = np.random.default_rng(7).normal(size=(5, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["scores"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 12, 12])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="benchhub"
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "0123abcd")


def images(batch: int, seed: int = 0) -> dict[str, Any]:
    return {"image": np.random.default_rng(seed).normal(size=(batch, 3, 12, 12)).astype(np.float32)}


def test_every_backend_of_the_table_is_tested() -> None:
    tested = {subject.name for subject in SUBJECTS}
    assert tested | {"faulty"} == set(backends.MODULES)


@each
def test_module_keeps_the_contract(subject: Subject) -> None:
    module = backends.find(subject.name)
    assert subject.name == module.NAME
    assert module.FORMATS
    assert module.version() == backends.installed_version(subject.name)


@each
def test_session_says_what_it_is(subject: Subject, tiny_model: Path) -> None:
    session = backends.find(subject.name).load(str(tiny_model), LoadOptions())
    assert session.precision == subject.precision
    assert session.provider
    assert isinstance(dict(session.details), dict)


@each
def test_bound_call_and_run_agree_on_the_number_of_outputs(
    subject: Subject, tiny_model: Path
) -> None:
    session = backends.find(subject.name).load(str(tiny_model), LoadOptions())
    feeds = images(1) if session.inputs else {}
    assert len(session.bind(feeds)()) == len(session.run(feeds)) == len(session.outputs)


@each_computing
def test_declares_inputs_and_outputs(subject: Subject, tiny_model: Path) -> None:
    session = backends.find(subject.name).load(str(tiny_model), LoadOptions(batch=2))
    (image,), (scores,) = session.inputs, session.outputs
    assert (image.name, image.dtype, image.shape[1:]) == ("image", "float32", (3, 12, 12))
    assert (scores.name, scores.dtype, scores.shape[1:]) == ("scores", "float32", (5,))
    assert image.shape[0] in (None, 2)
    assert scores.shape[0] in (None, 2)


@each_computing
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 3])
def test_computes_what_the_reference_computes(
    subject: Subject, tiny_model: Path, batch: int, threads: int
) -> None:
    options = LoadOptions(batch=batch, threads=threads)
    session = backends.find(subject.name).load(str(tiny_model), options)
    feeds = images(batch)
    (expected,) = ReferenceEvaluator(str(tiny_model)).run(None, feeds)
    (found,) = session.run(feeds)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@each_computing
def test_the_same_feeds_give_the_same_outputs(subject: Subject, tiny_model: Path) -> None:
    session = backends.find(subject.name).load(str(tiny_model), LoadOptions(batch=2))
    (first,) = session.run(images(2))
    (other,) = session.run(images(2, seed=1))
    (again,) = session.run(images(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@each_computing
def test_bound_call_leaves_readable_outputs(subject: Subject, tiny_model: Path) -> None:
    session = backends.find(subject.name).load(str(tiny_model), LoadOptions(batch=2))
    (expected,) = session.run(images(2))
    call = session.bind(images(2))  # nobody else holds on to the feeds
    for _ in range(3):
        np.testing.assert_array_equal(np.array(call()[0]), expected)


@each_computing
def test_missing_file_is_named(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        backends.find(subject.name).load(str(tmp_path / "absent"), LoadOptions())


@each_computing
def test_foreign_format_is_refused(subject: Subject, tiny_model: Path) -> None:
    with pytest.raises(ValueError, match=f"{subject.name} reads onnx.*not gguf"):
        backends.find(subject.name).load(str(tiny_model), LoadOptions(format="gguf"))


@each_computing
def test_unknown_precision_is_refused(subject: Subject, tiny_model: Path) -> None:
    with pytest.raises(ValueError, match="q4"):
        backends.find(subject.name).load(str(tiny_model), LoadOptions(precision="q4"))


@each_computing
def test_corrupt_model_raises(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "corrupt"
    path.write_bytes(b"\x08\x08not a model" * 50)
    with pytest.raises(Exception, match=r"\S"):
        backends.find(subject.name).load(str(path), LoadOptions())


def test_unknown_backend_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        backends.find("nonesuch")


@each_computing
def test_a_model_behind_casts_keeps_its_names(
    subject: Subject, tiny_model: Path, tmp_path: Path
) -> None:
    """Half-precision models with float32 inputs and outputs start and end in a Cast."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    path = tmp_path / "half.onnx"
    onnx.save(convert_float_to_float16(onnx.load(tiny_model), keep_io_types=True), str(path))
    module = backends.find(subject.name)
    session = module.load(str(path), LoadOptions(batch=2))
    assert [tensor.name for tensor in session.inputs] == ["image"]
    assert [tensor.name for tensor in session.outputs] == ["scores"]
    whole = module.load(str(tiny_model), LoadOptions(batch=2)).run(images(2))[0]
    assert np.allclose(session.run(images(2))[0], whole, atol=0.05)
