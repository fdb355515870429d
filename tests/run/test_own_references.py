"""What a suite is made into on the controller, before any device is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from segmenting import SIZE, SUITE, write_segmenter, write_slices

from benchhub.config.suite import load_suite
from benchhub.model.cell import CHECK_CASES
from benchhub.run.prepare import Prepared, prepare

MORE = """
[[variants]]
name = "half"
from = "fp32"
recipe = "fp16"
[[variants]]
name = "pruned"
from = "fp32"
recipe = { name = "prune-magnitude", compression = 2 }
[[variants]]
name = "pruned-half"
from = "pruned"
recipe = "fp16"
[[variants]]
name = "elsewhere"
model = "elsewhere.onnx"
approximates = false
"""


def prepared(folder: Path) -> Prepared:
    write_segmenter(folder / "model.onnx")
    write_segmenter(folder / "coarse.onnx", shift=0.3)
    write_segmenter(folder / "elsewhere.onnx", shift=9)
    write_slices(folder / "cases.npz")
    path = folder / "suite.toml"
    path.write_text(SUITE + MORE, encoding="utf-8")
    return prepare(load_suite(path), None, folder / "cache", lambda line: None)


def test_what_was_fitted_anew_is_its_own_reference(tmp_path: Path, processes) -> None:
    ready = prepared(tmp_path)
    meant = {variant.name: variant.approximates for variant in ready.variants}
    assert meant == {
        "fp32": "", "coarse": "", "half": "", "pruned": "pruned", "pruned-half": "pruned",
        "elsewhere": "elsewhere",
    }  # fmt: skip
    assert ready.answer_key is not None
    assert set(ready.answer_key.own) == {"pruned", "elsewhere"}
    own = ready.answer_key.own["elsewhere"]
    images = np.load(next(iter(ready.inputs.values())).path)
    session = onnxruntime.InferenceSession(str(tmp_path / "elsewhere.onnx"))
    everything = session.run(None, {"image": images})[0]
    np.testing.assert_allclose(own.outputs[0], everything[:CHECK_CASES], rtol=1e-5)
    assert own.outputs[0].shape[2:] == (SIZE, SIZE)
    off = everything - everything.mean(axis=0)
    assert own.spreads == pytest.approx((np.sqrt(np.mean(off**2)),), rel=1e-4)
