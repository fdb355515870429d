import ingredients  # noqa: F401 - which registers the task `blobs`
import numpy as np
import pytest

from benchhub.backends import described
from benchhub.config.suite import load_suite
from benchhub.errors import ConfigError, MissingExtra
from benchhub.model.asked import EFFORTS
from benchhub.model.cell import SkipKind, SkipReason
from benchhub.model.device import DeviceProfile
from benchhub.run.planning.plan import plan
from benchhub.run.prepare import prepare

pytestmark = pytest.mark.usefixtures("processes")

SUITE = """\
[suite]
name = "discs"
task = "blobs"
baseline = "fp32"
backends = ["onnxruntime"]
[[variants]]
name = "slim-int8"
from = "slim"
recipe = {{ name = "int8-static", calibration_cases = 4 }}
[[variants]]
name = "slim"
from = "fp32"
recipe = {{ name = "prune-structured", ratio = 0.5, finetune_epochs = 1 }}
[[variants]]
name = "fp32"
{baseline}
{more}
[scenarios.latency]
threads = 1
"""
MISSING = """\
[[variants]]
name = "rare-fp16"
from = "rare"
recipe = "fp16"
[[variants]]
name = "rare"
from = "fp32"
recipe = "needs-missing"
"""
TINY = "recipe = { name = 'train', net = 'unet', width = 2, depth = 2, epochs = 2 }"


def _suite(folder, baseline=TINY, more=""):
    path = folder / "suite.toml"
    path.write_text(SUITE.format(baseline=baseline, more=more), encoding="utf-8")
    return load_suite(path)


@pytest.mark.usefixtures("processes")
def test_trained_pruned_and_quantized_in_any_order(tmp_path, torch):
    lines = []
    ready = prepare(_suite(tmp_path), None, tmp_path / "cache", lines.append)
    assert [variant.name for variant in ready.variants] == ["slim-int8", "slim", "fp32"]
    quantized, slim, baseline = ready.variants
    assert slim.params < baseline.params
    assert quantized.provenance["baseline_sha256"] == slim.sha256
    assert slim.provenance["baseline_sha256"] == baseline.sha256
    assert ready.unbuilt == {}
    told = [line.partition(", loss")[0] for line in lines]
    assert told[1:7] == [
        "making variant fp32",
        "fp32: training, epoch 1 of 2",
        "fp32: training, epoch 2 of 2",
        "making variant slim from fp32",
        "slim: pruning channels to 50.000%, step 1 of 1",
        "slim: training, epoch 1 of 1",
    ]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.onnx")}
    again = prepare(_suite(tmp_path), None, tmp_path / "cache", lines.append)
    assert again.variants == ready.variants
    assert np.array_equal(again.answer_key.reference[0], ready.answer_key.reference[0])
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.usefixtures("processes")
def test_what_needs_a_missing_package_is_skipped_and_the_rest_goes_on(tmp_path, torch):
    ready = prepare(_suite(tmp_path, more=MISSING), None, tmp_path / "cache", lambda line: None)
    assert [variant.name for variant in ready.variants] == ["slim-int8", "slim", "fp32"]
    reason = "a_package_nobody_has is not installed; pip install 'benchhub[compress]'"
    missing = SkipReason(SkipKind.UNBUILT, reason)
    assert ready.unbuilt == {"rare": missing, "rare-fp16": missing}
    made = plan(
        ready.suite,
        ready.variants,
        [DeviceProfile("localhost", "local")],
        [described("onnxruntime")],
        EFFORTS["quick"],
        unbuilt=ready.unbuilt,
    )
    assert {cell.variant for cell in made.cells} == {"slim-int8", "slim", "fp32"}
    assert {(s.variant, s.backend, s.scenario, str(s.reason)) for s in made.skips} == {
        (name, "onnxruntime", "latency", reason) for name in ("rare", "rare-fp16")
    }


@pytest.mark.usefixtures("torch")
def test_a_baseline_that_needs_a_missing_package_stops_everything(tmp_path):
    plain = "[[variants]]\nname = 'plain'\nrecipe = { name = 'train', epochs = 1 }\n"
    suite = _suite(tmp_path, 'from = "plain"\nrecipe = "needs-missing"', plain)
    with pytest.raises(MissingExtra, match=r"pip install 'benchhub\[compress\]'"):
        prepare(suite, None, tmp_path / "cache", lambda line: None)


def test_a_recipe_without_a_source_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="variant fp32: recipe fp16 reads a model; say `from`"):
        prepare(_suite(tmp_path, 'recipe = "fp16"'), None, tmp_path, lambda line: None)
