"""Which files are worth loading before they are measured: told without a runtime."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_models import write_double, write_foreign, write_odd
from onnx import TensorProto, helper
from project import write_model
from repository import ROOT

from benchhub.compress.files.look import inspect_model
from benchhub.compress.trial.unusual import is_unusual


def unusual(path: Path) -> bool:
    return is_unusual(inspect_model("m", path))


def test_plain_files_are_not_loaded_in_advance(tmp_path: Path) -> None:
    assert not unusual(write_model(tmp_path / "m.onnx"))
    assert not unusual(write_odd(tmp_path / "old.onnx", opset=9, ir_version=4))


def cast(to: int) -> list[object]:
    node = helper.make_node
    return [node("Cast", ["h"], ["c"], to=to), node("Cast", ["c"], ["scores"], to=1)]


@pytest.mark.parametrize(
    "fields",
    [
        {"opset": 99},
        {"ir_version": 13},
        {"nodes": cast(TensorProto.DOUBLE)},
        {"nodes": cast(TensorProto.BFLOAT16)},
        {"nodes": [helper.make_node("Mish", ["h"], ["scores"])], "opset": 18},
        {
            "nodes": [helper.make_node("Gelu", ["h"], ["scores"], domain="com.microsoft")],
            "domains": ["com.microsoft"],
        },
    ],
    ids=["opset", "format", "double", "bfloat16", "operator", "domain"],
)
def test_what_a_runtime_may_lack_is_unusual(fields: dict[str, object], tmp_path: Path) -> None:
    assert unusual(write_odd(tmp_path / "m.onnx", **fields))  # type: ignore[arg-type]


def test_within_a_branch_it_is_unusual_too(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("s", TensorProto.FLOAT, None)
    branches = {
        name: helper.make_graph([helper.make_node(kind, ["h"], ["s"])], name, [], [value])
        for name, kind in (("then_branch", "Sigmoid"), ("else_branch", "Asinh"))
    }
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    nodes = [
        helper.make_node("Constant", [], ["yes"], value=yes),
        helper.make_node("If", ["yes"], ["scores"], **branches),
    ]
    assert unusual(write_odd(tmp_path / "m.onnx", nodes))


def test_the_odd_models_of_these_tests_are_unusual(tmp_path: Path) -> None:
    assert unusual(write_foreign(tmp_path / "a.onnx"))
    assert unusual(write_double(tmp_path / "b.onnx"))


@pytest.mark.parametrize("path", sorted((ROOT / "suites").rglob("*.onnx")), ids=lambda p: p.stem)
def test_the_models_of_the_suites_are_plain(path: Path) -> None:
    assert not unusual(path)
