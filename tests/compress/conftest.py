import ingredients  # noqa: F401 - which registers the task `blobs`
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from repository import ROOT

from benchhub.compress.files.look import inspect_onnx
from benchhub.tasks import get_task

QUICKSTART = ROOT / "suites" / "quickstart"


@pytest.fixture(scope="session")
def baseline():
    return inspect_onnx("fp32", QUICKSTART / "chest_xray.onnx")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    settings = {"seed": 14, "train_patients": 40, "test_patients": 40}
    return get_task("chest_xray")(settings, QUICKSTART, None, tmp_path_factory.mktemp("data"))


@pytest.fixture
def linear(tmp_path):
    """Return a function writing y = x @ w with chosen input name, dtype and shape."""

    def write(file="linear.onnx", name="x", kind=TensorProto.FLOAT, shape=("n", 3), zeros=0):
        weight = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
        weight.flat[:zeros] = 0
        nodes = [helper.make_node("MatMul", ["cast", "w"], ["y"])]
        nodes.insert(0, helper.make_node("Cast", [name], ["cast"], to=TensorProto.FLOAT))
        graph = helper.make_graph(
            nodes,
            "linear",
            [helper.make_tensor_value_info(name, kind, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, (shape[0], 2))],
            [numpy_helper.from_array(weight, "w")],
        )
        opset = helper.make_opsetid("", 17)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        onnx.save(model, str(tmp_path / file))
        return tmp_path / file

    return write
