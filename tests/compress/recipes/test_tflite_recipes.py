"""TFLite files from TFLite files; and from ONNX where litert-torch is installed."""

import hashlib
import importlib.util
import json

import flatbuffers
import numpy as np
import pytest
from ingredients import calibrating
from repository import ROOT

from benchhub.compress.build.cached import build
from benchhub.compress.build.reference import reference_outputs
from benchhub.compress.files.look import inspect_model
from benchhub.errors import ConfigError, MissingExtra
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe
from benchhub.tasks import get_task

pytestmark = pytest.mark.usefixtures("quantizer")

QUICKSTART = ROOT / "suites" / "quickstart"
SHIPPED = json.loads((QUICKSTART / "tflite.provenance.json").read_text())


@pytest.fixture(scope="module")
def quantizer(native):
    reason = "the extra tflite-quantize is not installed"
    return pytest.importorskip("ai_edge_quantizer", reason=reason)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    settings = {"seed": 14, "size": 64, "train_patients": 60, "test_patients": 60}
    return get_task("chest_xray")(settings, QUICKSTART, None, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def lite():
    return inspect_model("tflite", QUICKSTART / "chest_xray-fp32.tflite")


def _make(source, folder, recipe, calibration=None, **options):
    spec = VariantSpec(recipe, source=source.name, recipe=Recipe(recipe, options))
    return build(spec, source, calibrating(calibration or _nothing), folder)


def _nothing(count):
    raise AssertionError("this recipe needs no data")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("recipe", "tolerance"),
    [("tflite-fp16", 0.01), ("tflite-int8-dynamic", 0.06), ("tflite-int8", 0.2)],
)
def test_the_shipped_files_come_out_byte_for_byte(
    recipe, tolerance, lite, baseline, data, tmp_path, capfd
):
    from benchhub.compress.tflite.run import relative_error, run

    made = _make(lite, tmp_path, recipe, data.calibration)
    assert capfd.readouterr() == ("", "")
    assert (made.format, made.path.suffix) == ("tflite", ".tflite")
    assert (made.inputs, made.outputs) == (baseline.inputs, baseline.outputs)
    images = data.cases(6).inputs["image"]
    (wanted,) = reference_outputs(baseline, {"image": images})
    for batch in (1, 6):
        error = relative_error(run(made.path.read_bytes(), images[:batch]), wanted[:batch])
        assert 0 < error < tolerance
    libraries = ("ai-edge-quantizer", "ai-edge-litert", "numpy")
    same = all(made.provenance[name] == SHIPPED["libraries"][name] for name in libraries)
    shipped = f"chest_xray-{recipe.removeprefix('tflite-')}.tflite"
    if not same:
        pytest.skip("other library versions than those that wrote the shipped files")
    assert made.sha256 == SHIPPED["files"][shipped]["sha256"]


def test_a_scale_a_channel_for_linear_layers_is_an_option(lite, tmp_path):
    one = _make(lite, tmp_path, "tflite-int8-dynamic")
    many = _make(lite, tmp_path, "tflite-int8-dynamic", per_channel_linear=True)
    assert many.sha256 != one.sha256


def test_the_number_of_calibration_cases_counts(lite, data, tmp_path):
    few, more = (
        _make(lite, tmp_path, "tflite-int8", data.calibration, calibration_cases=count)
        for count in (1, 2)
    )
    assert few.sha256 != more.sha256


def test_batch_opened_and_closed():
    from benchhub.compress.tflite.batch import close_batch, is_open, open_batch

    given = (QUICKSTART / "chest_xray-fp32.tflite").read_bytes()
    closed = close_batch(given)
    assert is_open(given)
    assert not is_open(closed)
    assert open_batch(closed) == given
    assert open_batch(given) == given
    assert close_batch(closed) == closed


def test_reshapes_of_computed_sizes_are_known():
    import ai_edge_litert.schema_py_generated as schema

    from benchhub.compress.tflite.batch import is_closable
    from benchhub.compress.tflite.tree import Aligned

    given = (QUICKSTART / "chest_xray-fp32.tflite").read_bytes()
    assert is_closable(given)
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(given, 0))
    (graph,) = tree.subgraphs
    reshape = schema.BuiltinOperator.RESHAPE
    sizes = [
        graph.tensors[one.inputs[1]]
        for one in graph.operators
        if tree.operatorCodes[one.opcodeIndex].builtinCode == reshape
    ]
    assert sizes
    tree.buffers.append(Aligned(None))
    sizes[0].buffer = len(tree.buffers) - 1
    builder = flatbuffers.Builder(len(given))
    builder.Finish(tree.Pack(builder), b"TFL3")
    assert not is_closable(bytes(builder.Output()))


def test_a_file_of_fixed_batch_stays_so(tmp_path, lite):
    from benchhub.compress.tflite.batch import close_batch

    (tmp_path / "one.tflite").write_bytes(close_batch(lite.path.read_bytes()))
    source = inspect_model("one", tmp_path / "one.tflite")
    made = _make(source, tmp_path, "tflite-fp16")
    assert made.inputs == source.inputs
    assert made.inputs[0].shape == (1, 1, 64, 64)


def test_other_formats_and_what_is_quantized_already(lite, baseline, data, tmp_path):
    with pytest.raises(ConfigError, match=r"tflite-int8 reads tflite, not the onnx file of fp32"):
        _make(baseline, tmp_path, "tflite-int8", data.calibration)
    with pytest.raises(ConfigError, match=r"reads ONNX, not the tflite file of tflite"):
        _make(lite, tmp_path, "prune-magnitude")
    whole = inspect_model("int8", QUICKSTART / "chest_xray-int8.tflite")
    with pytest.raises(ConfigError, match=r"quantized already \(10 tensors of int8 weights\)"):
        _make(whole, tmp_path, "tflite-int8-dynamic")
    assert not list(tmp_path.rglob("*.tflite"))


@pytest.mark.skipif(
    importlib.util.find_spec("litert_torch") is not None, reason="litert-torch is installed"
)
def test_without_litert_torch_the_extra_is_named(baseline, tmp_path):
    with pytest.raises(MissingExtra, match=r"pip install 'benchhub\[export\]'"):
        _make(baseline, tmp_path, "tflite")


@pytest.mark.skipif(
    importlib.util.find_spec("litert_torch") is None, reason="litert-torch is not installed"
)
def test_an_exported_net_agrees_with_its_onnx_file(tmp_path, processes, torch):
    from blobs_unet import IMAGES, make, run_onnx, trained

    from benchhub.compress.tflite.run import relative_error, run

    unet = trained(tmp_path, epochs=1)
    lite = make(unet, tmp_path, "tflite")
    found = run(lite.path.read_bytes(), IMAGES[:1])
    assert relative_error(found, run_onnx(unet.path, IMAGES[:1])) < 1e-3
    assert lite.params == pytest.approx(unet.params, rel=0.1)
    small = make(lite, tmp_path, "tflite-int8", calibration_cases=8)
    assert small.model_bytes < lite.model_bytes
    assert hashlib.sha256(small.path.read_bytes()).hexdigest() == small.sha256
    assert np.isfinite(run(small.path.read_bytes(), IMAGES[:1])).all()
