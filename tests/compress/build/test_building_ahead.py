"""Variants that train, several at once: the same bytes, and nothing left behind."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from benchhub.compress.build.ahead import _processors, build_ahead
from benchhub.compress.build.suite import build_all
from benchhub.config.suite import load_suite
from benchhub.errors import ConfigError
from benchhub.model.asked import Suite
from benchhub.tasks import Dataset
from benchhub.tasks.opening import open_data

pytestmark = [
    pytest.mark.skipif(_processors() < 2, reason="one processor: nothing is at once"),
    pytest.mark.usefixtures("processes", "torch"),
]

SUITE = """\
[suite]
name = "small"
task = "nuclei"
baseline = "fp32"
backends = ["onnxruntime"]
[data]
size = 32
train_slides = 2
test_slides = 2
[[variants]]
name = "fp32"
recipe = { name = "train", net = "dual", widths = [4, 8], epochs = 1 }
[[variants]]
name = "half"
from = "fp32"
recipe = { name = "prune-magnitude", compression = 2, finetune_epochs = 1 }
[[variants]]
name = "quarter"
from = "half"
recipe = { name = "prune-magnitude", compression = 4, finetune_epochs = EPOCHS }
[[variants]]
name = "slim"
from = "fp32"
recipe = { name = "prune-structured", ratio = 0.5, finetune_epochs = EPOCHS, learning_rate = RATE }
[[variants]]
name = "slim-fp16"
from = "slim"
recipe = "fp16"
[scenarios.latency]
"""


def suite_of(folder: Path, epochs: int = 1, rate: float = 1e-3) -> tuple[Suite, Dataset]:
    folder.mkdir(exist_ok=True)
    path = folder / "suite.toml"
    text = SUITE.replace("EPOCHS", str(epochs)).replace("RATE", f"{rate:g}")
    path.write_text(text, encoding="utf-8")
    suite = load_suite(path)
    return suite, open_data(suite, None, folder / "cache")


def test_made_at_once_they_are_what_they_are_alone(tmp_path: Path) -> None:
    (suite, data), lines = suite_of(tmp_path), []
    build_ahead(suite, data, None, tmp_path / "cache", lines.append)
    assert lines[0] == "making 4 variants that train, up to 2 at once"
    assert "quarter: training, epoch 1 of 1" in [line.partition(", loss")[0] for line in lines]
    ahead, _ = build_all(suite, data, tmp_path / "cache", lines.append)
    alone, _ = build_all(suite, data, tmp_path / "other", lambda line: None)
    assert [one.sha256 for one in ahead] == [one.sha256 for one in alone]
    again: list[str] = []
    build_ahead(suite, data, None, tmp_path / "cache", again.append)
    assert again == []
    assert not multiprocessing.active_children()


def test_one_that_diverges_ends_the_others_and_is_named(tmp_path: Path) -> None:
    suite, data = suite_of(tmp_path, epochs=200, rate=1e30)
    with pytest.raises(ConfigError, match=r"^variant slim: training diverged"):
        build_ahead(suite, data, None, tmp_path / "cache", lambda line: None)
    assert not multiprocessing.active_children()
    kept = [path.read_text() for path in (tmp_path / "cache").rglob("variant.json")]
    assert not any('"prune-structured"' in text for text in kept)


def test_what_was_interrupted_goes_on(tmp_path: Path) -> None:
    suite, data = suite_of(tmp_path, epochs=40)
    seen: list[str] = []

    def stop(line: str) -> None:
        seen.append(line.partition(", loss")[0])
        if line.startswith("slim: training, epoch 3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_ahead(suite, data, None, tmp_path / "cache", stop)
    assert not multiprocessing.active_children()
    seen.clear()
    build_ahead(suite, data, None, tmp_path / "cache", lambda line: seen.append(line))
    trained = [line for line in seen if line.startswith("slim: training, epoch")]
    assert trained
    assert not any(line.startswith("slim: training, epoch 1 ") for line in trained)
    assert trained[-1].startswith("slim: training, epoch 40 of 40")
