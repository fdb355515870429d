"""Variants whose answers are none of a case: drawn at random, or along another axis than cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured_suite import FLOAT, Suite, node, value, variant
from project import Finished, make_project

SUITE = """\
[suite]
name = "tiny"
task = "npz"
baseline = "base"
effort = "quick"
backends = ["onnxruntime"]
[data]
inputs = "cases.npz"
metric = "accuracy"
labels = "class"
{variants}
[scenarios.quality]
batch = {batch}
[[budgets]]
name = "ship"
quality_loss_max = 0.9
"""
RNG = np.random.default_rng(9)
X = RNG.normal(size=(240, 4, 4)).astype(np.float32)
W = RNG.normal(size=(4, 3)).astype(np.float32)
#: A running sum over steps, of which the last one is read.
RIGHT = (X.cumsum(1)[:, -1] @ W).argmax(1)


def save(folder: Path, name: str, axis: int, more: Any = ()) -> None:
    """The sum over steps along `axis`, the class of the last one; the other axis holds cases."""
    nodes = [
        *more,
        node("CumSum", ["kept" if more else "x", "axis"], ["sums"]),
        node("Gather", ["sums", "last"], ["end"], axis=1),
        node("MatMul", ["end", "W"], ["y"]),
    ]
    held: dict[str, Any] = {"axis": np.array(axis), "last": np.array(-1), "W": W}
    ins, outs = [value("x", FLOAT, ["a", "b", 4])], [value("y", FLOAT, ["a", 3])]
    Suite(folder).save(name, nodes, ins, outs, held)


def measured(folder: Path, name: str, batch: int) -> Finished:
    project = make_project(folder)
    home = project.suite.parent
    save(home, "base.onnx", 1)
    noise = node("RandomNormalLike", ["x"], ["noise"], scale=0.1)
    save(home, "noisy.onnx", 1, [noise, node("Add", ["x", "noise"], ["kept"])])
    save(home, "major.onnx", 0)  # adds up along the axis that the data have cases along
    np.savez(home / "cases.npz", x=X, labels=RIGHT)
    variants = variant() + variant(name, f"{name}.onnx")
    project.suite.write_text(SUITE.format(variants=variants, batch=batch))
    return project.run("run", "tiny", "--device", "here", "--json")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("name", "batch", "flag", "words", "outcome"),
    [
        ("noisy", 1, "varying_outputs", "its answers vary from call to call by", "INCONCLUSIVE"),
        ("major", 4, "place_dependent", "in another order of the same cases", "FAIL"),
    ],
)
def test_of_a_variant_without_answers_of_a_case_no_quality_is_told(
    tmp_path: Path, name: str, batch: int, flag: str, words: str, outcome: str
) -> None:
    done = measured(tmp_path, name, batch)
    base, odd = done.json["rows"]
    assert (base["variant"], base["quality"]) == ("base", 1)
    doubts = {"varying_outputs", "place_dependent", "garbage"}
    assert not doubts & {one["name"] for one in base["flags"]}
    assert odd["quality"] is None
    assert words in odd["withheld"]["quality"]
    assert flag in [one["name"] for one in odd["flags"]]
    outcomes = {v["variant"]: v["outcome"] for v in done.json["verdicts"]}
    assert outcomes == {"base": "PASS", name: outcome}
