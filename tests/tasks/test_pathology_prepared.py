"""A suite of each task, tiny, made ready for a run: trained, pruned, predicted, judged."""

import numpy as np
import pytest

from benchhub.compress.build.reference import reference_outputs
from benchhub.config.suite import load_suite
from benchhub.results.rows.quality.assess import assess
from benchhub.run.prepare import prepare
from benchhub.tasks.metrics import get_metric
from benchhub.tasks.predictions import get_prediction

pytestmark = pytest.mark.usefixtures("torch")

SUITE = """\
[suite]
name = "tiny"
task = "{task}"
baseline = "net"
backends = ["onnxruntime"]
[data]
{data}
[[variants]]
name = "net"
recipe = {{ name = "train", {net}, epochs = 1 }}
[[variants]]
name = "pruned"
from = "net"
recipe = {{ name = "prune-structured", ratio = 0.5, finetune_epochs = 1 }}
[[variants]]
name = "sparse"
from = "net"
recipe = {{ name = "prune-magnitude", compression = 4.0 }}
[scenarios.quality]
"""


def _ready(tmp_path, **texts):
    path = tmp_path / "suite.toml"
    path.write_text(SUITE.format(**texts))
    return prepare(load_suite(path), None, tmp_path / "cache", lambda line: None)


@pytest.mark.usefixtures("processes")
def test_pathology(tmp_path):
    ready = _ready(
        tmp_path,
        task="pathology",
        net="width = 4",
        data="size = 32\ntrain_images = 6\nvalidation_images = 1\ntest_images = 8",
    )
    answer_key, variants = ready.answer_key, {variant.name: variant for variant in ready.variants}
    assert answer_key.metric == "bpq"
    assert answer_key.also == ("mpq", "bpq_worst5")
    assert answer_key.predictions.shape == (8, 2, 32, 32)
    assert variants["pruned"].params < 0.4 * variants["net"].params
    assert variants["sparse"].nonzero_params < 0.35 * variants["net"].params
    images = {"image": np.load(ready.inputs["image"].path)}
    for name in ("pruned", "sparse"):
        (outputs, *_) = reference_outputs(variants[name], images)
        found = get_prediction(answer_key.predict)(outputs)
        for metric in (answer_key.metric, *answer_key.also):
            quality = assess([found], answer_key, get_metric(metric), [answer_key.predictions], 200)
            assert 0 <= quality.value <= 1


@pytest.mark.usefixtures("processes")
def test_tissue(tmp_path):
    ready = _ready(
        tmp_path,
        task="tissue",
        net="width = 4, stem = 2",
        data="size = 32\ntrain_patches = 1\ntest_patches = 2",
    )
    answer_key, variants = ready.answer_key, {variant.name: variant for variant in ready.variants}
    assert answer_key.metric == "accuracy"
    assert answer_key.also == ("macro_f1",)
    assert answer_key.reference[0].shape == (18, 9)
    assert variants["pruned"].params < 0.4 * variants["net"].params
    assert variants["pruned"].macs < 0.5 * variants["net"].macs
    assert variants["sparse"].macs == variants["net"].macs
