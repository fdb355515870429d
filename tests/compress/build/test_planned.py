"""A dry run says of a variant what a run would: that it cannot be made is no end of the plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ingredients import calibrating
from project import write_model

from benchhub.compress.build.planned import plan_all
from benchhub.compress.files.look import inspect_model
from benchhub.model.asked import Agreement, Suite, VariantSpec
from benchhub.model.cell import SkipKind
from benchhub.model.recipe import Recipe


def test_what_cannot_be_made_is_a_skip(tmp_path: Path) -> None:
    model = inspect_model("fp32", write_model(tmp_path / "m.onnx"))
    variants = (
        VariantSpec("fp32", model=model.path),
        VariantSpec("st", source="fp32", recipe=Recipe("int8-static", {"calibration_cases": 2})),
        VariantSpec("st-half", source="st", recipe=Recipe("fp16")),
    )
    suite = Suite(
        name="s", path=Path("s.toml"), task="npz", baseline="fp32", backends=("onnxruntime",),
        variants=variants, scenarios=(), budgets=(), effort="quick", data={},
        precisions=("f32",), agreement=Agreement(), seed=0, options={},
    )  # fmt: skip
    cases = calibrating(lambda count: {"other": np.zeros((count, 1), np.float32)})
    planned = plan_all(suite, cases, {"fp32": model}, tmp_path)
    assert [variant.name for variant in planned.variants] == ["fp32"]
    assert {name: why.kind for name, why in planned.unbuilt.items()} == dict.fromkeys(
        ("st", "st-half"), SkipKind.RECIPE_FAILED
    )
    assert "has no array in the data, which have other" in planned.unbuilt["st"].text
    assert not planned.to_make
