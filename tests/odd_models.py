"""Model files that a runtime may not read: of an opset, a domain or an operator that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from project import FEATURES, LABELS


def write_odd(
    path: Path,
    nodes: Sequence[NodeProto] = (),
    opset: int = 17,
    ir_version: int = 8,
    domains: Sequence[str] = (),
    **fields: Any,
) -> Path:
    """Write a model of x to scores, as `project.write_model`; `nodes` lead from h to scores."""
    weight = np.random.default_rng(4).normal(size=(FEATURES, LABELS)).astype(np.float32)
    last = nodes or [helper.make_node("Sigmoid", ["h"], ["scores"])]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), *last],
        "odd",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", FEATURES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", LABELS])],
        [numpy_helper.from_array(weight, "w")],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(one, 1) for one in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=ir_version, **fields)
    onnx.save(model, str(path))
    return path


def write_foreign(path: Path) -> Path:
    """Write one with an operator of somebody's own, which no runtime has."""
    own = helper.make_node("Frobnicate", ["h"], ["scores"], domain="org.example")
    return write_odd(path, [own], domains=["org.example"])


def write_double(path: Path) -> Path:
    """Write one with a standard operator on doubles, for which onnxruntime has no kernel."""
    nodes = [
        helper.make_node("Cast", ["h"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Elu", ["wide"], ["bent"], name="bend"),
        helper.make_node("Cast", ["bent"], ["scores"], to=TensorProto.FLOAT),
    ]
    return write_odd(path, nodes)
