import dataclasses
import json
import os
import subprocess
import sys

import blobs_model
import numpy as np
import pytest
import torch
from blobs import draw
from repository import ROOT
from torch import nn

from benchhub.compress.files.architecture import Architecture, build_net
from benchhub.compress.networks.training import bn_l1, fit, one_cycle, recalibrate, write_logs
from benchhub.compress.recipes.reproducible import reproducible, threads_for
from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("torch")

CASES = draw(40, 7)


def _net(seed=0, width=4):
    return build_net(Architecture("blobs", "unet", {"width": width, "depth": 2}), seed)


def _fit(net, folder, epochs=3, progress=lambda line: None, **more):
    return fit(
        net, CASES, blobs_model, epochs=epochs, seed=5, folder=folder, progress=progress, **more
    )


def _same(one, two):
    pairs = zip(one.state_dict().items(), two.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_it_learns_and_says_so(tmp_path):
    net, lines = _net(), []
    log = _fit(net, tmp_path, epochs=6, progress=lines.append, learning_rate=0.1)
    assert log.losses[-1] < 0.6 * log.losses[0]
    assert len(log.losses) == len(lines) == 6
    assert lines[-1] == f"training, epoch 6 of 6, loss {log.losses[-1]:.3g}"
    assert (log.cases, log.batch, log.learning_rate, log.seed) == (40, 16, 0.1, 5)
    assert log.facts("train_")["train_epochs"] == "6"
    assert not net.training
    write_logs({"train": log}, tmp_path / "training.json")
    assert json.loads((tmp_path / "training.json").read_text())["train"]["losses"] == list(
        log.losses
    )


def test_the_same_seed_gives_the_same_weights_whatever_happened_before(tmp_path):
    one, two, three = _net(), _net(), _net()
    logs = [_fit(one, tmp_path / "one")]
    torch.rand(10)  # the global generator has moved
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logs.append(_fit(two, tmp_path / "two"))
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)
    fit(three, CASES, blobs_model, epochs=3, seed=6, folder=tmp_path / "three", progress=print)
    assert logs[0].losses == logs[1].losses
    assert _same(one, two)
    assert not _same(one, three)


@pytest.mark.parametrize("width", [4, 24], ids=["one thread", "two"])
def test_interrupted_and_resumed_ends_with_the_same_weights(tmp_path, width):
    whole, cut = _net(width=width), _net(width=width)
    images = torch.from_numpy(CASES.inputs["image"])
    assert threads_for(whole, images, 40) == (1 if width == 4 else 2)
    wanted = _fit(whole, tmp_path / "whole", epochs=2, batch=40)
    assert whole.down[1][0][0].weight.is_contiguous()
    after = []

    def interrupt(line):
        after.append(line)
        if len(after) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _fit(cut, tmp_path / "cut", epochs=2, batch=40, progress=interrupt)
    resumed, lines = _net(seed=1, width=width), []
    log = _fit(resumed, tmp_path / "cut", epochs=2, batch=40, progress=lines.append)
    assert [line.partition(", loss")[0] for line in lines] == ["training, epoch 2 of 2"]
    assert log.losses == wanted.losses
    assert _same(resumed, whole)


def test_a_finished_training_is_not_done_again(tmp_path):
    first, second, lines = _net(), _net(seed=1), []
    _fit(first, tmp_path)
    _fit(second, tmp_path, progress=lines.append)
    assert lines == []
    assert _same(first, second)


@pytest.mark.parametrize("size", [0, 100, 3000])
def test_a_checkpoint_that_is_cut_short_is_as_none(tmp_path, size):
    first, again, lines = _net(), _net(), []
    _fit(first, tmp_path, epochs=1)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:size])
    _fit(again, tmp_path, epochs=1, progress=lines.append)
    assert len(lines) == 1
    assert _same(first, again)


@pytest.mark.parametrize("how", ["loss", "weights"])
def test_divergence_is_one_line(tmp_path, how):
    net = _net()
    spoil = torch.tensor(float("nan"))

    def after(net):
        with torch.no_grad():
            net.head.bias.fill_(spoil)

    more = {"penalty": lambda net: spoil} if how == "loss" else {"after_step": after}
    epochs = 3 if how == "loss" else 1
    with pytest.raises(ConfigError, match=r"training diverged.*lower learning_rate") as caught:
        _fit(net, tmp_path, epochs=epochs, batch=40, **more)
    assert "\n" not in str(caught.value)
    if how == "loss":
        assert "in epoch 1 of 3 (loss nan)" in str(caught.value)


def test_a_rate_too_high_diverges(tmp_path):
    with pytest.raises(ConfigError, match="lower learning_rate, now 1e\\+30"):
        _fit(_net(), tmp_path, learning_rate=1e30)


def test_after_step_holds_weights(tmp_path):
    net = _net()

    def hold(net):
        with torch.no_grad():
            net.head.weight[:, 0] = 0

    _fit(net, tmp_path, after_step=hold)
    assert torch.count_nonzero(net.head.weight[:, 0]) == 0
    assert torch.count_nonzero(net.head.weight) == 3


def test_the_regulariser_shrinks_scales(tmp_path):
    def scales(net):
        found = [m.weight.abs().sum() for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        return sum(found).item()

    free, held = _net(), _net()
    _fit(free, tmp_path / "free", penalty=bn_l1(0.0), learning_rate=0.1)
    _fit(held, tmp_path / "held", penalty=bn_l1(0.05), learning_rate=0.1)
    assert scales(held) < 0.95 * scales(free)
    assert bn_l1(0.5)(free).item() == pytest.approx(0.5 * scales(free))
    assert float(bn_l1(0.5)(nn.Linear(2, 2))) == 0


def test_recalibration_renews_statistics_and_nothing_else():
    net, before = _net(), _net()
    recalibrate(net, CASES, batches=4, batch=8)
    first = net.down[0][0]
    with torch.no_grad():
        maps = before.down[0][0][0](torch.from_numpy(CASES.inputs["image"][:32]))
    wanted = maps.mean(dim=(0, 2, 3))
    torch.testing.assert_close(first[1].running_mean, wanted, atol=1e-4, rtol=1e-3)
    assert first[1].momentum == 0.1
    assert not net.training
    assert all(
        torch.equal(a, b) for a, b in zip(net.parameters(), before.parameters(), strict=True)
    )


def test_inside_reproducible_random_numbers_are_the_seeds():
    state = torch.get_rng_state()
    with reproducible(3):
        one = torch.rand(4)
    with reproducible(3):
        assert torch.equal(torch.rand(4), one)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_rate_rises_and_falls():
    rates = [one_cycle(share) for share in np.linspace(0, 1, 101)]
    assert max(rates) == one_cycle(0.3) == 1
    assert rates[0] == pytest.approx(0.04)
    assert rates[-1] == pytest.approx(0.001)
    assert np.all(np.diff(rates[:30]) > 0)
    assert np.all(np.diff(rates[31:]) < 0)


def test_what_cannot_be_trained_on(tmp_path):
    two = {"a": CASES.inputs["image"], "b": CASES.inputs["image"]}
    none = {"image": CASES.inputs["image"][:0]}
    for inputs, wanted in ((two, "wants one input, not 2"), (none, "has no cases")):
        with pytest.raises(ConfigError, match=wanted):
            fit(
                _net(), dataclasses.replace(CASES, inputs=inputs), blobs_model,
                epochs=1, seed=0, folder=tmp_path, progress=print,
            )  # fmt: skip


#: What wrote past the end of a gradient: batches of nine, few channels, strided 1x1 convolutions.
STRIDED = """
import sys
from pathlib import Path
import numpy as np
from benchhub.compress.files.architecture import Architecture, build_net
from benchhub.compress.networks.training import fit
from benchhub.model.quality import Cases
from benchhub.tasks.tissue import model
net = build_net(Architecture("tissue", "resnet18", {"width": 4, "stem": 2}))
images = np.random.default_rng(1).normal(size=(9, 3, 64, 64)).astype(np.float32)
names = tuple("123456789")
cases = Cases({"image": images}, np.arange(9), names, names, ())
fit(net, cases, model, epochs=12, seed=1, folder=Path(sys.argv[1]), progress=print)
"""


@pytest.mark.parametrize("filler", ["37", "111"])
@pytest.mark.usefixtures("processes")
def test_a_network_that_strides_in_1x1_convolutions_is_fitted_in_one_piece(filler, tmp_path):
    env = {**os.environ, "MALLOC_PERTURB_": filler}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", STRIDED, str(tmp_path)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "epoch 12 of 12" in done.stdout
