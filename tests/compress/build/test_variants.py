import json
import logging
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from ingredients import calibrating

from benchhub.compress import get_recipe, recipe_names
from benchhub.compress.build.cached import build
from benchhub.compress.build.reference import reference_outputs
from benchhub.compress.build.workshop import Workshop
from benchhub.compress.files.look import inspect_onnx
from benchhub.errors import ConfigError, MissingExtra, RecipeFailed
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("processes")

SAFE = {"reduce_range": True}


def _spec(recipe, **options):
    return VariantSpec(recipe, source="fp32", recipe=Recipe(recipe, options))


def _no_calibration(count):
    raise AssertionError("this recipe must not calibrate")


NOTHING = calibrating(_no_calibration)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("recipe", "options", "smaller", "tolerance"),
    [
        ("fp16", {}, 1.9, 0.05),
        ("int8-dynamic", {}, 3.0, 0.25),
        ("int8-static", SAFE, 3.0, 0.25),
        ("int8-static", {**SAFE, "method": "percentile"}, 3.0, 0.25),
    ],
)
def test_recipes_on_the_shipped_model(
    recipe, options, smaller, tolerance, baseline, phantom, cache
):
    variant = build(_spec(recipe, **options), baseline, calibrating(phantom.calibration), cache)
    assert baseline.model_bytes / variant.model_bytes > smaller
    assert variant.inputs == baseline.inputs
    assert [spec.name for spec in variant.outputs] == ["logits"]
    assert variant.params == pytest.approx(baseline.params, rel=0.001)
    assert variant.macs == baseline.macs
    images = phantom.cases(60).inputs["image"]
    (expected,) = reference_outputs(baseline, {"image": images})
    session = onnxruntime.InferenceSession(str(variant.path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": images})
    assert found.shape == expected.shape
    error = np.sqrt(np.mean((found - expected) ** 2)) / np.std(expected)
    assert 0 < error < tolerance


def test_provenance_says_how_it_was_made(baseline, phantom, cache):
    variant = build(_spec("int8-static", **SAFE), baseline, calibrating(phantom.calibration), cache)
    facts = variant.provenance
    assert facts["baseline_sha256"] == baseline.sha256
    assert facts["onnxruntime"] == onnxruntime.__version__
    assert json.loads(facts["options"])["calibration_cases"] == 64
    assert facts["sha256"] == variant.sha256
    assert variant.recipe.options["reduce_range"] is True
    assert float(facts["seconds"]) > 0


def test_second_build_is_a_cache_hit(baseline, phantom, tmp_path):
    first = build(_spec("fp16"), baseline, NOTHING, tmp_path)
    made = first.path.stat().st_mtime_ns
    again = build(_spec("fp16"), baseline, NOTHING, tmp_path)
    assert again == first
    assert again.path.stat().st_mtime_ns == made


@pytest.mark.parametrize("recipe", ["fp16", "int8-dynamic", "int8-static"])
def test_same_request_gives_same_bytes(recipe, baseline, phantom, tmp_path):
    paths = [tmp_path / "one", tmp_path / "two"]
    one, two = (
        build(_spec(recipe), baseline, calibrating(phantom.calibration), path) for path in paths
    )
    assert one.sha256 == two.sha256


def test_options_baseline_and_calibration_data_change_the_key(baseline, phantom, tmp_path, linear):
    def path(spec, base=baseline, calibration=phantom.calibration):
        return build(spec, base, calibrating(calibration), tmp_path).path

    def darker(count):
        return {name: array - 0.5 for name, array in phantom.calibration(count).items()}

    plain = _spec("int8-static", calibration_cases=4)
    paths = {
        path(plain),
        path(_spec("int8-static", calibration_cases=5)),
        path(_spec("int8-static", calibration_cases=4, per_channel=False)),
        path(plain, calibration=darker),
        path(_spec("fp16")),
        path(_spec("fp16"), base=inspect_onnx("other", linear())),
    }
    assert len(paths) == 6
    # defaults spelled out are the same request
    assert path(_spec("int8-static", calibration_cases=4, method="minmax")) == path(plain)


@pytest.mark.parametrize("spoil", ["model", "record", "half"])
def test_a_spoilt_cache_entry_is_made_again(spoil, baseline, tmp_path):
    first = build(_spec("fp16"), baseline, NOTHING, tmp_path)
    if spoil == "model":
        first.path.write_bytes(first.path.read_bytes()[:-1] + b"\x00\x01")
    elif spoil == "record":
        (first.path.parent / "variant.json").write_text("{")
    else:
        first.path.unlink()
    again = build(_spec("fp16"), baseline, NOTHING, tmp_path)
    assert again.sha256 == first.sha256
    assert [path.name for path in (tmp_path / "variants").iterdir()] == [first.path.parent.name]


def test_two_builders_at_once_agree(baseline, tmp_path):
    found = []
    workers = [
        threading.Thread(
            target=lambda: found.append(build(_spec("fp16"), baseline, NOTHING, tmp_path))
        )
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({variant.sha256 for variant in found}) == 1
    assert len(found) == 4
    assert len(list((tmp_path / "variants").iterdir())) == 1


def test_a_place_is_taken_in_turn_while_others_remove_it(tmp_path):
    inside, most, wrong = [], [], []

    def take_turns():
        try:
            for _ in range(60):
                with Workshop(tmp_path / "it", print):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
        except Exception as error:  # noqa: BLE001 - told by the assertion
            wrong.append(error)

    workers = [threading.Thread(target=take_turns) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    assert (len(most), max(most)) == (360, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_gone_between_two_looks_is_made_again(tmp_path, monkeypatch):
    made = Path.mkdir
    seen = []

    def mkdir(path, *words, **settings):  # it was there for os.mkdir, and is gone for is_dir
        seen.append(path)
        if len(seen) == 1:
            raise FileExistsError(path)
        made(path, *words, **settings)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with Workshop(tmp_path / "it", print) as work:
        assert work.draft.is_dir()


def test_the_terminal_stays_clean(baseline, phantom, tmp_path, capfd):
    build(
        _spec("int8-static", calibration_cases=2),
        baseline,
        calibrating(phantom.calibration),
        tmp_path,
    )
    build(_spec("int8-dynamic"), baseline, calibrating(phantom.calibration), tmp_path)
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == 0


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (_spec("int8-statc"), "did you mean int8-static?"),
        (_spec("fp16", bits=8), "recipe fp16.bits is unknown"),
        (_spec("int8-static", calibration_case=8), "did you mean calibration_cases?"),
        (_spec("int8-static", calibration_cases=0), "whole number of at least 1"),
        (_spec("int8-static", calibration_cases=2, method="minmx"), "did you mean minmax?"),
        (_spec("int8-static", calibration_cases=2, per_channel="yes"), "known: auto, false, true"),
        (_spec("int8-dynamic", per_channel="yes"), "true or false"),
        (_spec("int8-dynamic", nodes_to_exclude="a"), 'a list of texts, like ["a", "b"]'),
        (_spec("int8-dynamic", op_types_to_quantize=[1]), "a list of texts"),
        (_spec("int8-dynamic", weight_type="int4"), "weight_type = 'int4' is unknown"),
        (VariantSpec("bare"), "neither a model nor a recipe"),
        (_spec("train"), "recipe train begins from nothing; remove `from`"),
        (_spec("prune-structured"), "task npz has no model that can be trained"),
    ],
)
def test_wrong_requests_are_one_line(spec, wanted, baseline, phantom, tmp_path):
    with pytest.raises(ConfigError) as caught:
        build(spec, baseline, calibrating(phantom.calibration), tmp_path)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.onnx"))


def test_calibration_that_does_not_fit_the_model(baseline, tmp_path):
    def wrong(count):
        return {"picture": np.zeros((count, 1, 64, 64), np.float32)}

    with pytest.raises(RecipeFailed, match=r"input image of .* has no array in the data"):
        build(_spec("int8-static"), baseline, calibrating(wrong), tmp_path)
    assert not list(tmp_path.glob("variants/*"))


def test_recipe_table():
    assert {"fp16", "int8-dynamic", "int8-static"} <= set(recipe_names())
    assert get_recipe("int8-static").calibrates
    assert not get_recipe("fp16").calibrates


def test_what_is_missing_is_named_with_the_way_to_get_it(baseline, tmp_path):
    with pytest.raises(MissingExtra) as caught:
        build(_spec("needs-missing"), baseline, NOTHING, tmp_path)
    assert caught.value.reason == (
        "a_package_nobody_has is not installed; pip install 'benchhub[compress]'"
    )
    assert str(caught.value) == (
        f"variant needs-missing: recipe needs-missing: {caught.value.reason}"
    )
    assert not list((tmp_path / "variants").iterdir())


def test_a_full_disk_is_one_line_and_leaves_nothing(baseline, tmp_path):
    with pytest.raises(ConfigError, match=r"the disk of .*variants is full; make room") as caught:
        build(_spec("fills-the-disk"), baseline, NOTHING, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "variants").iterdir())


def test_a_recipe_that_reads_wants_a_source(tmp_path):
    with pytest.raises(ConfigError, match="recipe fp16 reads a model; say `from` which variant"):
        build(_spec("fp16"), None, NOTHING, tmp_path)
