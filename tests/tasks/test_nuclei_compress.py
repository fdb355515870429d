"""The task's network through the recipes that train and prune it, at tiny size."""

import numpy as np
import onnx
import pytest
from onnx.numpy_helper import to_array
from onnxruntime import InferenceSession

from benchhub.compress import get_recipe
from benchhub.compress.options import complete
from benchhub.compress.recipe import Ingredients
from benchhub.tasks import get_task
from benchhub.tasks.nuclei.watershed import predict

pytestmark = pytest.mark.usefixtures("torch")

SETTINGS = {"seed": 5, "train_slides": 2, "test_slides": 1, "size": 32, "side": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return get_task("nuclei")(SETTINGS, cache, None, cache)


@pytest.fixture(scope="module")
def make(data, tmp_path_factory):
    def make(name, source=None, **options):
        folder = tmp_path_factory.mktemp(name)
        recipe = get_recipe(name)
        ingredients = Ingredients(
            data.calibration, data.training, "nuclei", folder / "scratch", lambda _: None
        )
        asked = complete(name, options, recipe.options, others=recipe.others)
        facts = recipe.make(source, folder / "made.onnx", asked, ingredients)
        return folder / "made.onnx", facts

    return make


@pytest.fixture(scope="module")
def trained(make):
    return make("train", epochs=1, widths=[3, 4], seed=1)[0]


def _answers(model, data):
    session = InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["maps"], data.cases(None).inputs)[0]


def _weights(model):
    return {one.name: to_array(one) for one in onnx.load(str(model)).graph.initializer}


def test_a_trained_network_answers_and_is_predicted_from(trained, data):
    outputs = _answers(trained, data)
    assert outputs.shape == (1, 2, 32, 32)
    assert predict(outputs).shape == outputs.shape


def test_one_branch_is_pruned_by_itself(trained, data, make):
    pruned, facts = make(
        "prune-magnitude", trained, compression=8, only="semantic", heads=False, finetune_epochs=0
    )
    before, after = _weights(trained), _weights(pruned)
    for name, weights in before.items():
        if name.startswith("distance"):
            np.testing.assert_array_equal(weights, after[name])
    kept = [
        np.count_nonzero(v) for k, v in after.items() if k.startswith("semantic") and v.ndim == 4
    ]
    assert sum(kept) < sum(v.size for k, v in after.items() if k.startswith("semantic")) / 4
    assert float(facts["achieved_compression"]) == pytest.approx(8, rel=0.05)
    np.testing.assert_array_equal(_answers(pruned, data)[:, 1], _answers(trained, data)[:, 1])
    assert not np.array_equal(_answers(pruned, data)[:, 0], _answers(trained, data)[:, 0])


def test_extreme_pruning_makes_maps_that_can_still_be_judged(trained, data, make):
    pruned, _ = make("prune-magnitude", trained, compression=64, keep=0, scope="network")
    cases = data.cases(None)
    predictions = predict(_answers(pruned, data))
    for metric in (data.metric, *data.also):
        assert np.isfinite(metric.weighted(predictions, cases.labels, np.ones((1, 1)))).all()


def test_fine_tuning_holds_the_zeros(trained, make):
    pruned, _ = make(
        "prune-magnitude", trained, compression=4, finetune_epochs=1, learning_rate=0.01
    )
    weights = {k: v for k, v in _weights(pruned).items() if v.ndim == 4}
    total = sum(v.size for v in weights.values())
    assert sum(np.count_nonzero(v) for v in weights.values()) == pytest.approx(total / 4, rel=0.1)
