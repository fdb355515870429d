import datetime
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ingredients import trainable
from repository import ROOT, TESTS

from benchhub.compress.build.cached import build
from benchhub.compress.files.architecture import KEY, read_net
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("torch")

SMALL = {"net": "unet", "width": 2, "depth": 2, "epochs": 3}


def _train(folder, progress=lambda line: None, data=None, **options):
    spec = VariantSpec("fp32", recipe=Recipe("train", {**SMALL, **options}))
    return build(spec, None, trainable(folder, progress, **(data or {})), folder / "cache")


def test_a_baseline_from_nothing(tmp_path):
    lines = []
    made = _train(tmp_path, lines.append, bn_l1=1e-4)
    assert [line.partition(", loss")[0] for line in lines] == [
        f"fp32: training, epoch {epoch} of 3" for epoch in (1, 2, 3)
    ]
    assert made.inputs[0].name == "image"
    assert made.outputs[0].name == "logits"
    net, architecture = read_net(made.path)
    assert architecture.options == {"width": 2, "depth": 2}
    assert net.head.in_channels == 2
    facts = made.provenance
    assert facts["net"] == "unet"
    assert facts["train_epochs"] == "3"
    assert "baseline_sha256" not in facts
    assert facts["torch"]
    log = json.loads((made.path.parent / "training.json").read_text())["train"]
    assert len(log["losses"]) == 3
    assert log["cases"] == 64
    assert [path.name for path in (tmp_path / "cache" / "variants").iterdir()] == [
        made.path.parent.name
    ]


def test_what_tells_trainings_apart(tmp_path):
    once = {"epochs": 1}
    first = _train(tmp_path, **once)
    again = _train(tmp_path, **once, seed=0)
    assert again.path == first.path
    others = [
        _train(tmp_path, **once, seed=1),
        _train(tmp_path, **once, width=3),
        _train(tmp_path, **once, cases=32),
        _train(tmp_path, data={"brightness": 0.5}, **once),
    ]
    assert len({first.sha256, *(other.sha256 for other in others)}) == 5


def test_interrupted_in_the_middle_it_goes_on_and_ends_with_the_same_bytes(tmp_path):
    wanted = _train(tmp_path / "whole")

    def interrupt(line):
        if "epoch 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "cut", interrupt)
    (kept,) = (tmp_path / "cut" / "cache" / "variants").iterdir()
    assert kept.name == f"{wanted.path.parent.name}.partial"
    lines = []
    resumed = _train(tmp_path / "cut", lines.append)
    assert len(lines) == 1
    assert resumed.sha256 == wanted.sha256
    assert not kept.exists()


@pytest.mark.usefixtures("processes")
def test_a_process_that_is_killed_leaves_what_the_next_needs(tmp_path):
    """Killed without a chance to tidy up, as by power loss."""
    places = [str(Path(__file__).parent), str(TESTS), str(TESTS / "compress" / "plugin")]
    code = f"""
import os, sys
sys.path[:0] = {places}
from pathlib import Path
from test_train import _train
_train(Path({str(tmp_path)!r}), lambda line: "epoch 2" in line and os._exit(9))
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 9
    lines = []
    resumed = _train(tmp_path, lines.append)
    assert [line.partition(", loss")[0] for line in lines] == ["fp32: training, epoch 3 of 3"]
    assert resumed.sha256 == _train(tmp_path / "whole").sha256


def test_two_at_once_train_once(tmp_path):
    made, lines = [], []
    workers = [
        threading.Thread(target=lambda: made.append(_train(tmp_path, lines.append)))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert made[0].sha256 == made[1].sha256
    assert sum("epoch 3" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"net": "unett"}, "net 'unett' is unknown to task blobs; did you mean unet?"),
        ({"widht": 3}, "unet.widht is unknown; did you mean width?"),
        ({"width": "wide"}, "cannot be built with"),
        ({"width": 10**9}, "cannot be built with"),
        ({"width": datetime.date(2020, 1, 1)}, "train.width is unknown"),
        ({"epochs": 0}, "train.epochs must be a whole number of at least 1, not 0"),
        ({"epochs": 1.5}, "train.epochs must be a whole number of at least 1, not 1.5"),
        ({"bn_l1": -1}, "train.bn_l1 must be a number of at least 0, not -1"),
        ({"net": 3}, "train.net must be a text, not 3"),
        ({"cases": 65}, "65 cases were asked for and there are 64"),
        ({"learning_rate": 1e30}, "training diverged"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, options, wanted):
    with pytest.raises(ConfigError) as caught:
        _train(tmp_path, **options)
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("variant fp32: ")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/variants/*"))


def test_the_file_says_what_it_is(tmp_path):
    import onnx

    made = _train(tmp_path, epochs=1)
    props = {entry.key: entry.value for entry in onnx.load(made.path).metadata_props}
    assert json.loads(props[KEY]) == {
        "task": "blobs", "net": "unet", "options": {"width": 2, "depth": 2},
    }  # fmt: skip
