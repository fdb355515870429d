"""The chest X-ray suites as files: what they ship is what they say; nothing is run."""

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
from repository import ROOT

from benchhub.compress import get_recipe
from benchhub.compress.options import complete
from benchhub.config.suite import load_suite
from benchhub.tasks import get_task

SUITES = ROOT / "suites"
FOLDER, QUICKSTART = SUITES / "chest-xray-quantization", SUITES / "quickstart"
IMAGES = np.random.default_rng(0).normal(size=(4, 1, 64, 64)).astype(np.float32)


def _answers(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": IMAGES})[0]


@pytest.mark.parametrize("name", ["suite", "dense", "gpu", "train"])
def test_a_suite_is_valid_and_all_it_names_is_there(name):
    suite = load_suite(FOLDER / f"{name}.toml")
    get_task(suite.task)
    for spec in suite.variants:
        assert (spec.model is None) != (spec.recipe is None)
        if spec.model is not None:
            assert spec.model.is_file()
            assert spec.model.stat().st_size <= 2_000_000
        else:
            entry = get_recipe(spec.recipe.name)
            complete(spec.name, spec.recipe.options, entry.options, entry.others)


def test_both_networks_are_asked_the_same():
    one, other = (load_suite(FOLDER / f"{name}.toml") for name in ("suite", "dense"))
    assert one.claims == other.claims
    assert one.budgets == other.budgets
    assert one.scenarios == other.scenarios
    assert [(v.name, v.backends, v.against) for v in one.variants] == [
        (v.name, v.backends, v.against) for v in other.variants
    ]


@pytest.mark.parametrize("name", ["dense", "residual"])
def test_a_shipped_network_can_be_taken_apart(name, torch):
    from benchhub.compress.files.architecture import read_net
    from benchhub.tasks.chest_xray import model

    assert name in model.NETS
    net, architecture = read_net(FOLDER / f"{name}.onnx")
    assert (architecture.task, architecture.net) == ("chest_xray", name)
    with torch.inference_mode():
        found = net(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(found, _answers(FOLDER / f"{name}.onnx"), rtol=1e-3, atol=1e-4)


def test_the_residual_network_is_the_quickstarts():
    wanted = _answers(QUICKSTART / "chest_xray.onnx")
    np.testing.assert_allclose(_answers(FOLDER / "residual.onnx"), wanted, rtol=1e-3, atol=1e-4)


def test_norms_put_back_are_those_of_the_images(torch):
    spec = importlib.util.spec_from_file_location("chest_xray_make", FOLDER / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    images = torch.from_numpy(IMAGES)
    net = make.with_norms(QUICKSTART / "chest_xray.onnx", images)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.inference_mode():
        plain = net(images)
        # in training a norm takes its statistics from the batch: they must be the same ones
        renewed = net.train()(images)
    torch.testing.assert_close(renewed, plain, rtol=0.02, atol=0.02)
    weights = onnx.load(str(QUICKSTART / "chest_xray.onnx")).graph.initializer
    assert len(list(net.parameters())) > len(weights)
