"""Variants from recipes, kept in the cache under the hash of everything that shaped them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchhub.compress import Calibration, RecipeEntry, get_recipe
from benchhub.compress.converters import converter_errors, first_line
from benchhub.compress.inspect import check_inputs_match
from benchhub.compress.inspect_onnx import inspect_onnx
from benchhub.compress.options import complete
from benchhub.errors import ConfigError
from benchhub.model import Array, Recipe, Settings, Variant, VariantSpec

#: Libraries whose version can change the bytes that a recipe writes.
LIBRARIES = ("onnx", "onnxruntime", "numpy")


def build(spec: VariantSpec, baseline: Variant, calibration: Calibration, cache: Path) -> Variant:
    """Return the variant that `spec.recipe` makes of `baseline`, from the cache if it is there.

    The key is a hash of the baseline's sha256, the recipe with all its options, the versions of
    `LIBRARIES` and, for a recipe that calibrates, the calibration inputs. A cached file whose
    sha256 is not the recorded one is made again. Raises ConfigError for an unknown recipe or
    option, and for a model that the recipe cannot handle.
    """
    if spec.recipe is None:
        raise ConfigError(f"variant {spec.name} has neither a model nor a recipe; give it one")
    entry = get_recipe(spec.recipe.name)
    if baseline.format != "onnx":
        raise ConfigError(
            f"variant {spec.name}: recipe {spec.recipe.name} reads ONNX, not the {baseline.format}"
            f" file of {baseline.name}; name an ONNX variant in `from`"
        )
    options = complete(
        f"variant {spec.name}: recipe {spec.recipe.name}", spec.recipe.options, entry.options
    )
    taken: dict[int, Mapping[str, Array]] = {}

    def inputs(count: int) -> Mapping[str, Array]:
        if count not in taken:
            taken[count] = calibration(count)
        return taken[count]

    asked = {
        "recipe": spec.recipe.name,
        "options": json.dumps(options, sort_keys=True),
        "baseline_sha256": baseline.sha256,
        **{library: version(library) for library in LIBRARIES},
    }
    if entry.calibrates:
        asked["calibration_sha256"] = _digest(inputs(options["calibration_cases"]))
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache / "variants" / key
    if not _whole(folder):
        _make(spec, entry, options, baseline, inputs, asked, folder)
    facts = json.loads((folder / "variant.json").read_text(encoding="utf-8"))
    variant = replace(
        inspect_onnx(spec.name, folder / "model.onnx"),
        recipe=Recipe(spec.recipe.name, options),
        provenance=facts,
    )
    check_inputs_match(variant, baseline)
    return variant


def _make(
    spec: VariantSpec,
    entry: RecipeEntry,
    options: Settings,
    baseline: Variant,
    inputs: Calibration,
    asked: Mapping[str, str],
    folder: Path,
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    model = draft / "model.onnx"
    start = time.perf_counter()
    try:
        try:
            entry.make(baseline.path, model, options, inputs)
        except ConfigError as error:
            raise ConfigError(f"variant {spec.name}: {error}") from error
        except converter_errors() as error:
            raise ConfigError(
                f"variant {spec.name}: recipe {asked['recipe']} cannot handle {baseline.path}: "
                f"{first_line(error)}"
            ) from error
        sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
        seconds = f"{time.perf_counter() - start:.2f}"
        facts = json.dumps({**asked, "sha256": sha256, "seconds": seconds}, indent=1)
        (draft / "variant.json").write_text(facts + "\n", encoding="utf-8")
        _install(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _install(draft: Path, folder: Path) -> None:
    """Move `draft` into place unless another process has put a whole one there meanwhile."""
    if folder.exists() and not _whole(folder):
        # renamed before it is deleted, so that nobody ever sees half a folder
        spoilt = Path(tempfile.mkdtemp(prefix=".spoilt-", dir=folder.parent))
        with contextlib.suppress(FileNotFoundError):  # another process may be faster
            os.rename(folder, spoilt / "was")
        shutil.rmtree(spoilt, ignore_errors=True)
    try:
        os.rename(draft, folder)
    except OSError:
        if not _whole(folder):
            raise


def _whole(folder: Path) -> bool:
    try:
        facts = json.loads((folder / "variant.json").read_text(encoding="utf-8"))
        found = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
        return bool(facts["sha256"] == found)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digest(inputs: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
