"""A folder with a suite for a model, as somebody who has just found the file would write it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tomlkit

from benchhub.model.arrays import Array
from benchmarks.wild import cases
from benchmarks.wild.manifest import AS_IS, RECIPES, Model
from benchmarks.wild.oracle import CALLS, SECONDS

_CALIBRATES = ("int8-static", "tflite-int8")


def write(model: Model, path: Path, labels: Array, project: Path) -> Path:
    """Write the model's suite into `project` and return its folder."""
    folder = project / "suites" / model.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / path.name)
    test, fitting = cases.make(model)
    drawn = {
        f"calibration_{name}": array
        for name, array in fitting.items()
        if not model.inputs[name].is_whole
    }
    np.savez(folder / "cases.npz", labels=labels, **test, **drawn)
    suite = _suite(model, path.name)
    (folder / "suite.toml").write_text(tomlkit.dumps(suite), "utf-8")
    pace = folder.with_name(f"{model.name}-pace")
    pace.mkdir(exist_ok=True)
    (pace / "suite.toml").write_text(tomlkit.dumps(_pace(suite, folder.name)), "utf-8")
    return folder


def _suite(model: Model, file: str) -> tomlkit.TOMLDocument:
    suite = tomlkit.document()
    suite["suite"] = {
        "name": model.name,
        "task": "npz",
        "baseline": AS_IS,
        "backends": list(model.backends),
        "effort": "quick",
        "deadline_s": 300,
    }
    suite["data"] = _data(model)
    variants = tomlkit.aot()
    variants.append(tomlkit.item({"name": AS_IS, "model": file, **_form(model)}))
    for name, recipe in RECIPES[model.format].items():
        options = {"calibration_cases": cases.CALIBRATION} if recipe in _CALIBRATES else {}
        made = {"name": name, "from": AS_IS, "recipe": {"name": recipe, **options}}
        variants.append(tomlkit.item(made))
    suite["variants"] = variants
    suite["scenarios"] = {"latency": {"batch": model.batch}, "quality": {"batch": model.batch}}
    return suite


def _pace(suite: tomlkit.TOMLDocument, beside: str) -> tomlkit.TOMLDocument:
    """Return the suite with one launch of the file as it is, to take turns with a bare loop."""
    pace = tomlkit.parse(tomlkit.dumps(suite))
    pace["suite"]["name"] = f"{beside}-pace"
    pace["data"]["inputs"] = f"../{beside}/cases.npz"
    del pace["variants"][1:]
    pace["variants"][0]["model"] = f"../{beside}/{pace['variants'][0]['model']}"
    latency = {"batch": pace["scenarios"]["latency"]["batch"], "launches": 1}
    pace["scenarios"] = {"latency": {**latency, "iterations": CALLS, "max_timed_s": SECONDS}}
    return pace


def _data(model: Model) -> dict[str, object]:
    known: dict[str, object] = {"inputs": "cases.npz", "metric": model.metric}
    if model.output:
        known["output"] = model.output
    whole = [name for name, of in model.inputs.items() if of.whole]
    if whole:
        known["whole"] = whole
    known["labels"] = "class" if model.metric == "accuracy" else "regression"
    return known


def _form(model: Model) -> dict[str, object]:
    """Return the keys of a variant that say how its tensors stand to the data."""
    known: dict[str, object] = {}
    if model.batch_axis:
        known["batch_axis"] = dict(model.batch_axis)
    if model.state:
        known["state"] = {name: of.output for name, of in model.state.items()}
    return known
