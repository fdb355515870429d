import numpy as np
import onnx
import pytest
from ingredients import calibrating
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress.build.cached import build
from benchhub.compress.build.reference import reference_outputs
from benchhub.compress.files.look import inspect_onnx
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe
from benchhub.tasks import get_task

SETTINGS = {"inputs": "cases.npz", "metric": "accuracy"}


def _arrays(cases=30):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, cases)
    x = rng.normal(size=(cases, 3)) + labels[:, None] * 2
    return {"x": x.astype(np.float32), "labels": labels}


def _open(folder, arrays, /, data=None, **settings):
    np.savez(folder / "cases.npz", **arrays)
    return get_task("npz")({**SETTINGS, **settings}, folder, data, folder / "cache")


def _model(path):
    weight = np.array([[-1, 1], [-1, 1], [-1, 1]], dtype=np.float32)
    bias = np.array([3, -3], dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "user",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 2))],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return inspect_onnx("mine", path)


@pytest.mark.usefixtures("processes")
def test_own_model_and_data_all_the_way(tmp_path):
    arrays = _arrays()
    arrays["calibration_x"] = _arrays(8)["x"]
    data = _open(tmp_path, arrays)
    model = _model(tmp_path / "mine.onnx")
    spec = VariantSpec(
        "small", source="mine", recipe=Recipe("int8-static", {"calibration_cases": 8})
    )
    small = build(spec, model, calibrating(data.calibration), tmp_path / "cache")
    cases = data.cases(20)
    everyone = np.ones((1, 20))
    for variant in (model, small):
        (outputs,) = reference_outputs(variant, cases.inputs)
        assert data.metric.weighted(outputs, cases.labels, everyone)[0] > 0.8
    assert small.sha256 != model.sha256


def test_optional_arrays_and_their_defaults(tmp_path):
    plain = _open(tmp_path, _arrays()).cases(None)
    assert plain.ids == plain.groups == tuple(str(k) for k in range(30))
    arrays = {
        **_arrays(),
        "groups": np.repeat(np.arange(10), 3),
        "ids": np.array([f"case{k}" for k in range(30)]),
        "label_names": np.array(["ill", "well"]),
    }
    cases = _open(tmp_path, arrays).cases(4)
    assert cases.groups == ("0", "0", "0", "1")
    assert cases.ids[3] == "case3"
    assert cases.label_names == ("ill", "well")
    assert list(cases.inputs) == ["x"]


def test_data_folder_wins_over_the_suites(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    np.savez(other / "cases.npz", **_arrays(7))
    assert len(_open(tmp_path, _arrays(), data=other).cases(None).ids) == 7


def test_calibration_from_a_second_archive(tmp_path):
    np.savez(tmp_path / "train.npz", **_arrays(12))
    data = _open(tmp_path, _arrays(), calibration="train.npz")
    np.testing.assert_array_equal(data.calibration(5)["x"], _arrays(12)["x"][:5])
    with pytest.raises(ConfigError, match="13 calibration cases were asked for and there are 12"):
        data.calibration(13)


def test_test_cases_never_stand_in_for_calibration(tmp_path):
    with pytest.raises(ConfigError, match=r"data.calibration = \"train.npz\""):
        _open(tmp_path, _arrays()).calibration(4)


def _without(name):
    return {key: array for key, array in _arrays().items() if key != name}


@pytest.mark.parametrize(
    ("arrays", "wanted"),
    [
        (_without("labels"), "no array 'labels'; it has x"),
        (_without("x"), "no input arrays beside 'labels'"),
        ({**_arrays(), "x": _arrays(29)["x"]}, "'x' has 29 cases and 'labels' has 30"),
        ({**_arrays(), "groups": np.arange(3)}, "'groups' has 3 cases"),
        ({**_arrays(), "labels": np.array(["a"] * 30)}, "'labels' holds <U1, not numbers"),
        ({**_arrays(), "x": np.full((30, 3), np.nan)}, "'x' holds 90 NaN or infinite"),
        ({**_arrays(), "labels": np.full(30, np.inf)}, "'labels' holds 30 NaN"),
        ({"x": np.zeros((0, 3)), "labels": np.zeros(0)}, "'labels' has no cases"),
        ({**_arrays(), "calibration_z": np.zeros((3, 3))}, "in only one of the test and training"),
    ],
)
def test_archives_that_cannot_be_used(tmp_path, arrays, wanted):
    with pytest.raises(ConfigError) as caught:
        _open(tmp_path, arrays)
    assert wanted in str(caught.value)
    assert "cases.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_archive_calls_its_own_arrays_leaves_all_names_to_inputs(tmp_path):
    tokens = np.arange(150).reshape(30, 5)
    arrays = {"ids": tokens, "labels": tokens[:, :2], "truth": np.arange(30) % 3}
    arrays |= {"groups": tokens[:, 0], "who": np.arange(30) // 2, "calibration_ids": tokens[:4]}
    arrays |= {"calibration_labels": tokens[:4, :2], "calibration_groups": tokens[:4, 0]}
    data = _open(tmp_path, arrays, arrays={"labels": "truth", "groups": "who"})
    cases = data.cases(8)
    assert list(cases.inputs) == ["ids", "labels", "groups"]
    assert cases.inputs["ids"].tolist() == tokens[:8].tolist()
    assert (cases.labels.tolist(), cases.groups[:3]) == ([0, 1, 2, 0, 1, 2, 0, 1], ("0", "0", "1"))
    assert cases.ids == tuple("01234567")
    assert data.calibration(4)["labels"].shape == (4, 2)


@pytest.mark.parametrize(
    ("arrays", "said", "wanted"),
    [
        (
            {"ids": np.zeros((30, 5))},
            None,
            "no input arrays beside 'labels'; 'ids' is read as the archive's own: if it is an input"
            ' of the model, write arrays = { labels = "labels" } under [data]',
        ),
        (
            {"x": np.zeros((30, 2)), "ids": np.zeros((30, 5))},
            None,
            "'ids' has shape (30, 5) where one name a case is read; if it is an input",
        ),
        ({"x": np.zeros((30, 2))}, {"labels": "truth"}, "no array 'truth'; it has labels, x"),
        ({"x": np.zeros((30, 2))}, {"ids": "x"}, "data.arrays.labels is missing"),
        ({"x": np.zeros((30, 2))}, {"label": "x"}, "data.arrays.label is unknown; did you mean"),
        ({"x": np.zeros((30, 2))}, "labels", "data.arrays must be a table"),
    ],
)
def test_names_that_are_inputs_and_the_archives_own(tmp_path, arrays, said, wanted):
    more = {} if said is None else {"arrays": said}
    with pytest.raises(ConfigError) as caught:
        _open(tmp_path, {"labels": np.arange(30) % 2, **arrays}, **more)
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"inputs": "no.npz", "metric": "accuracy"}, "no.npz: no such file"),
        ({"inputs": "cases.npz"}, "data.metric is missing"),
        ({"inputs": "cases.npz", "metric": "acuracy"}, "did you mean accuracy?"),
        ({**SETTINGS, "calibraton": "x"}, "did you mean calibration?"),
    ],
)
def test_wrong_settings(tmp_path, settings, wanted):
    np.savez(tmp_path / "cases.npz", **_arrays())
    with pytest.raises(ConfigError) as caught:
        get_task("npz")(settings, tmp_path, None, tmp_path)
    assert wanted in str(caught.value)


def test_files_that_are_no_archive(tmp_path):
    (tmp_path / "cases.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ConfigError, match=r"not an .npz archive"):
        get_task("npz")(SETTINGS, tmp_path, None, tmp_path)
    with (tmp_path / "cases.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(ConfigError, match="one array, not an archive"):
        get_task("npz")(SETTINGS, tmp_path, None, tmp_path)


def test_more_cases_than_there_are(tmp_path):
    with pytest.raises(ConfigError, match="31 cases were asked for and it has 30"):
        _open(tmp_path, _arrays()).cases(31)


def test_dice_of_the_heart_is_none_of_plain_masks(tmp_path):
    """It would take all images for slices of one volume, and class 5 for class 1 of the next."""
    masks = np.random.default_rng(1).integers(0, 2, (6, 4, 4))
    arrays = {"x": np.zeros((6, 1, 4, 4), np.float32), "labels": masks}
    for metric in ("dice", "dice_worst5"):
        with pytest.raises(ConfigError, match=f"{metric} is of volumes: .*; of masks use mask_"):
            _open(tmp_path, arrays, metric=metric)
    _open(tmp_path, arrays, metric="mask_dice")
    arrays["labels"] = masks + 4 * (np.arange(6) // 2)[:, None, None]
    assert _open(tmp_path, arrays, metric="dice").metric.name == "dice"
