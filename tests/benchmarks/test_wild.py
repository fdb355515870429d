"""Public models: the manifest, and two of them from the index to a table."""

import dataclasses
import json

import numpy as np
import pytest

from benchhub.stats.interval import Estimate
from benchmarks.wild import cases, kept, manifest, oracle, table
from benchmarks.wild.__main__ import main
from benchmarks.wild.fetch import Unfetched, fetch
from benchmarks.wild.measure import Cell

KNOWN = {model.name: model for model in manifest.load()}
#: Small ones, of two packages of 4 MB together.
TWO = ("mtcnn-onet", "microwakeword")


def test_the_manifest_has_models_of_every_kind_that_is_asked_for():
    assert len(KNOWN) >= 14
    assert len({model.package.name for model in KNOWN.values()}) >= 14
    assert {model.format for model in KNOWN.values()} == {"onnx", "tflite"}
    assert any(model.state for model in KNOWN.values())
    assert any(model.batch_axis for model in KNOWN.values())
    assert all(model.package.licence for model in KNOWN.values())


@pytest.mark.parametrize(
    "name", ["aecmos", "magika", "microwakeword", "minilm-int8", "rapidocr-cls", "silero-vad"]
)
def test_cases_are_the_same_every_time_and_calibration_is_of_others(name):
    model = KNOWN[name]
    (test, fitting), (again, _) = cases.make(model), cases.make(model)
    for key, of in model.inputs.items():
        assert np.array_equal(test[key], again[key])
        if not of.is_whole and of.kind not in ("ones", "zeros"):
            assert len(test[key]) == model.cases
            assert (
                not (test[key][0] == fitting[key]).all(axis=tuple(range(1, test[key].ndim))).any()
            )


def test_the_oracle_judges_by_definition():
    model = dataclasses.replace(KNOWN["magika"], output="")
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    found = oracle.Bare({"y": scores}, 1.0)
    assert oracle.labels(model, found).tolist() == [1, 0, 1]
    assert oracle.quality(model, found, np.array([1, 1, 1])) == pytest.approx(2 / 3)
    error = dataclasses.replace(model, metric="mean_absolute_error")
    assert oracle.quality(error, found, scores + np.array([[0.5, -0.5]])) == pytest.approx(0.5)


def test_a_number_beside_the_oracle_is_wrong_beyond_rounding_only():
    cell = Cell("m", "b", "v", measured=True, quality=0.5, oracle_quality=0.50001)
    assert not cell.wrong
    assert dataclasses.replace(cell, oracle_quality=0.501).wrong
    assert not dataclasses.replace(cell, oracle_quality=None).wrong


def test_small_calls_may_be_off_by_twenty_microseconds():
    ratio = Estimate(1.1, 1.05, 1.15, 5, 0.95, "rank")
    near = Cell("m", "b", "v", measured=True, ratio=ratio, bare_p50_ms=0.1)
    assert table.within(near)
    assert not table.within(dataclasses.replace(near, bare_p50_ms=1.0))
    assert not table.surely_apart(near)
    assert table.surely_apart(dataclasses.replace(near, bare_p50_ms=1.0))
    no_upper_end = Estimate(1.1, 1.0, 1.2, 5, 0.95, "rank")
    open_ended = dataclasses.replace(near, bare_p50_ms=1.0, ratio=no_upper_end)
    assert not table.surely_apart(open_ended)


def test_what_was_measured_of_a_model_is_found_again_for_the_same_file_and_rounds(tmp_path):
    ratio = Estimate(1.1, 1.05, 1.15, 5, 0.95, "rank")
    cells = [
        Cell("magika", "onnxruntime", "as-is", measured=True, ratio=ratio, flags=("few",)),
        Cell("magika", "onnxruntime", "fp16", measured=False, why="cannot be made"),
    ]
    model = KNOWN["magika"]
    assert kept.read(model, tmp_path, 5) is None
    kept.write(model, tmp_path, 5, cells)
    assert kept.read(model, tmp_path, 5) == cells
    assert kept.read(model, tmp_path, 3) is None
    assert kept.read(dataclasses.replace(model, sha256="0" * 64), tmp_path, 5) is None


def test_what_is_quantized_already_is_told_apart_from_what_could_not_be_measured():
    cells = [
        Cell("m", "b", "as-is", measured=True),
        Cell("m", "b", "fp16", measured=False, why="the model is float16 already (3 tensors ..)"),
        Cell("m", "b", "int8", measured=False, why="no kernel"),
    ]
    told = table.sums(cells)[0]
    assert told.startswith("1 of 3 cells measured; 1 of the others")
    assert told.endswith("1 of 2")


def test_a_file_of_another_hash_is_not_used(tmp_path):
    model = KNOWN["magika"]
    path = tmp_path / "models" / model.sha256 / "model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(Unfetched, match=r"magika: .* is not the file that models.toml names"):
        fetch([model], tmp_path)


def test_two_public_models_are_measured_and_right(tmp_path, monkeypatch, processes, native):
    only = [word for name in TWO for word in ("--only", name)]
    words = [
        *only,
        "--folder",
        str(tmp_path / "kept"),
        "--rounds",
        "1",
        "-o",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr("sys.argv", ["wild", *words])
    assert main() == 0
    told = json.loads((tmp_path / "out" / "wild.json").read_text())
    found = {(cell["model"], cell["backend"], cell["variant"]): cell for cell in told["cells"]}
    assert len(found) == 2 * 4 + 4
    for (model, backend, variant), cell in found.items():
        assert cell["measured"] or cell["why"], (model, backend, variant)
        if variant == "as-is":
            assert cell["measured"], cell
            assert cell["oracle_quality"] is not None
