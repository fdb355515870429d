"""Variants that train, several at once: the same bytes, and nothing left behind."""

from __future__ import annotations

import dataclasses
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchhub.compress import Ingredients
from benchhub.compress.build.ahead import build_ahead
from benchhub.compress.build.suite import build_all, ingredients
from benchhub.config.suite import load_suite
from benchhub.model.asked import Suite
from benchhub.model.cell import SkipKind
from benchhub.outside.beside import processors
from benchhub.tasks.opening import open_data

pytestmark = [
    pytest.mark.skipif(processors() < 2, reason="one processor: nothing is at once"),
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


def suite_of(
    folder: Path, say: Callable[[str], None], epochs: int = 1, rate: float = 1e-3
) -> tuple[Suite, Ingredients]:
    folder.mkdir(exist_ok=True)
    path = folder / "suite.toml"
    text = SUITE.replace("EPOCHS", str(epochs)).replace("RATE", f"{rate:g}")
    path.write_text(text, encoding="utf-8")
    suite = load_suite(path)
    cache = folder / "cache"
    return suite, ingredients(suite, open_data(suite, None, cache), cache, say)


def test_made_at_once_they_are_what_they_are_alone(tmp_path: Path) -> None:
    lines: list[str] = []
    suite, using = suite_of(tmp_path, lines.append)
    assert build_ahead(suite, using, {}, None, tmp_path / "cache") == {}
    assert lines[0] == "making 4 variants that train, up to 2 at once"
    assert "quarter: training, epoch 1 of 1" in [line.partition(", loss")[0] for line in lines]
    ahead = build_all(suite, using, {}, tmp_path / "cache", {})
    alone = build_all(suite, using, {}, tmp_path / "other", {})
    assert [one.sha256 for one in ahead.variants] == [one.sha256 for one in alone.variants]
    lines.clear()
    build_ahead(suite, using, {}, None, tmp_path / "cache")
    assert lines == []
    assert not multiprocessing.active_children()


def test_one_that_diverges_is_named_and_the_others_are_made(tmp_path: Path) -> None:
    suite, using = suite_of(tmp_path, lambda line: None, epochs=2, rate=1e30)
    failed = build_ahead(suite, using, {}, None, tmp_path / "cache")
    assert list(failed) == ["slim"]
    assert failed["slim"].reason.startswith("recipe prune-structured: training diverged")
    assert not multiprocessing.active_children()
    again: list[str] = []
    using = dataclasses.replace(using, progress=again.append)
    built = build_all(suite, using, {}, tmp_path / "cache", failed)
    assert [variant.name for variant in built.variants] == ["fp32", "half", "quarter"]
    assert {name: reason.text for name, reason in built.unbuilt.items()} == {
        "slim": failed["slim"].reason,
        "slim-fp16": "it is made from slim, which could not be made",
    }
    assert {reason.kind for reason in built.unbuilt.values()} == {SkipKind.RECIPE_FAILED}
    assert not any("training" in line for line in again)  # what failed is not trained again


def test_what_was_interrupted_goes_on(tmp_path: Path) -> None:
    seen: list[str] = []

    def stop(line: str) -> None:
        seen.append(line.partition(", loss")[0])
        if line.startswith("slim: training, epoch 3 "):
            raise KeyboardInterrupt

    suite, using = suite_of(tmp_path, stop, epochs=40)
    with pytest.raises(KeyboardInterrupt):
        build_ahead(suite, using, {}, None, tmp_path / "cache")
    assert not multiprocessing.active_children()
    seen.clear()
    using = dataclasses.replace(using, progress=seen.append)
    build_ahead(suite, using, {}, None, tmp_path / "cache")
    trained = [line for line in seen if line.startswith("slim: training, epoch")]
    assert trained
    assert not any(line.startswith("slim: training, epoch 1 ") for line in trained)
    assert trained[-1].startswith("slim: training, epoch 40 of 40")


_SCRIPT = """
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from benchhub.outside.beside import without_main

print("run")
pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
with without_main():
    future = pool.submit(len, "abc")
print(future.result())
"""


def test_a_script_is_not_run_again_by_the_processes_that_it_has_begun(tmp_path: Path) -> None:
    """As whoever calls `benchhub.run` from a file writes it: without `if __name__`."""
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("run\n3\n", 0), done.stderr
