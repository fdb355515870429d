"""Outputs come in the type that the model of their cell declares, or the launch has failed."""

from __future__ import annotations

import dataclasses

import pytest
from builders import make_cell, make_variant
from scripted import work

from benchhub.model.cell import TensorSpec
from benchhub.ondevice.job import Job
from benchhub.run.loop.expected import most_of


@pytest.mark.parametrize("declared", ["float32", "float16", "int64", "bool", ""])
def test_what_is_expected_of_a_launch_is_what_its_model_declares(
    declared: str,
) -> None:
    outputs = (TensorSpec("scores", declared, (None, 3)),)
    cell = make_cell(device="lying", variant="own")
    asked = dataclasses.replace(
        work([cell]), variants={"own": make_variant("own", outputs=outputs)}
    )
    job = Job(cell.key, 0, "onnxruntime", "latency", "a" * 64, "onnx", {})
    (found,) = most_of(asked, cell, job).outputs or ()
    assert found.dtype == declared
    assert (declared in found.types) == bool(declared)
