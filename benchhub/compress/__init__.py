"""Compression recipes: how a variant is made from a baseline. A table of name -> RecipeEntry.

A recipe is a function (source, output, options, ingredients) that writes a model with the same
inputs and outputs and returns facts about it. Other distributions add recipes through the entry
point group `benchhub.recipes`, whose values name `RecipeEntry` objects. Functions that need torch
are imported when they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from benchhub.compress.networks.masks import SCOPES
from benchhub.compress.options import Option
from benchhub.compress.recipe import Ingredients, Make, RecipeEntry, late
from benchhub.compress.recipes.float16 import make_fp16
from benchhub.compress.recipes.int8 import METHODS, make_int8_dynamic, make_int8_static
from benchhub.compress.recipes.int8_nncf import PRESETS, make_int8_nncf
from benchhub.compress.recipes.int8_weights import make_int8_weights
from benchhub.compress.recipes.magnitude import make_pruned
from benchhub.compress.recipes.tflite_quantize import (
    make_tflite_fp16,
    make_tflite_int8,
    make_tflite_int8_dynamic,
)
from benchhub.errors import ConfigError, nearest

__all__ = [
    "RECIPES", "Ingredients", "Make", "Option", "RecipeEntry", "get_recipe", "late",
    "recipe_names",
]  # fmt: skip

_TYPES = ("QInt8", "QUInt8")
_TORCH = ("torch", "onnx", "numpy")
_FINETUNE = {
    "finetune_epochs": Option(0, least=0),
    "finetune_cases": Option(0, least=0),  # 0: all
    "learning_rate": Option(0.0, least=0.0),  # 0: the recipe's choice
    "seed": Option(0, least=0),
}
_TFLITE: Mapping[str, Any] = {
    "reads": ("tflite",),
    "writes": "tflite",
    "libraries": ("ai-edge-quantizer", "ai-edge-litert", "numpy"),
    "extra": "tflite-quantize",
}

RECIPES: dict[str, RecipeEntry] = {
    "train": RecipeEntry(
        late("benchhub.compress.recipes.train", "make_trained"),
        {
            "net": Option(""),  # "": the task's first
            "epochs": Option(10),
            "cases": Option(0, least=0),  # 0: all
            "seed": Option(0, least=0),
            "learning_rate": Option(0.0, least=0.0),  # 0: the model's
            "bn_l1": Option(0.0, least=0.0),
        },
        trains=True,
        reads=(),
        libraries=_TORCH,
        extra="compress",
        others=True,
        approximates=False,
    ),
    "prune-structured": RecipeEntry(
        late("benchhub.compress.recipes.structured", "make_structured"),
        {
            "ratio": Option(0.5, least=0.0, most=0.9999),
            "importance": Option("l2", ("l1", "l2", "bn", "taylor", "lamp", "random")),
            "scope": Option("local", ("local", "global")),
            "steps": Option(1),
            **_FINETUNE,
            "recalibrate": Option(16, least=0),  # batches; 0: leave the statistics
            "importance_cases": Option(64),  # of taylor
            "bn_l1": Option(0.0, least=0.0),
        },
        trains=True,
        libraries=("torch", "torch-pruning", "onnx", "numpy"),
        extra="compress",
        approximates=False,
    ),
    "prune-magnitude": RecipeEntry(
        make_pruned,
        {
            "compression": Option(4.0, least=1.0),
            "scope": Option("layer", SCOPES),
            "only": Option(""),  # names of submodules; "": all
            "heads": Option(True),
            "keep": Option(1, least=0),
            "steps": Option(1),
            **_FINETUNE,
            "recalibrate": Option(0, least=0),  # batches; 0: leave the statistics
        },
        trains=("finetune_epochs", "recalibrate"),
        libraries=("onnx", "numpy"),
        extra="compress",
        approximates=False,
    ),
    "fp16": RecipeEntry(make_fp16, {}),
    "int8-dynamic": RecipeEntry(
        make_int8_dynamic,
        {"weight_type": Option("QUInt8", _TYPES), "per_channel": Option(False)},
    ),
    "int8-static": RecipeEntry(
        make_int8_static,
        {
            "calibration_cases": Option(64),
            "method": Option("minmax", tuple(METHODS)),
            "per_channel": Option(True),
            "reduce_range": Option(False),
            "weight_type": Option("QInt8", _TYPES),
            "activation_type": Option("QUInt8", _TYPES),
        },
        calibrates=True,
    ),
    "int8-weights": RecipeEntry(make_int8_weights, {"per_channel": Option(True)}),
    "int8-nncf": RecipeEntry(
        make_int8_nncf,
        {
            "calibration_cases": Option(64),
            "preset": Option(PRESETS[0], PRESETS),
            "bias_correction": Option(False),
        },
        calibrates=True,
        libraries=("nncf", "onnxruntime", "onnx", "numpy"),
        extra="nncf",
    ),
    "tflite": RecipeEntry(
        late("benchhub.compress.recipes.tflite_export", "make_tflite"),
        {},
        writes="tflite",
        libraries=("litert-torch", "torch", "onnx", "numpy"),
        extra="export",
    ),
    "tflite-fp16": RecipeEntry(make_tflite_fp16, {}, **_TFLITE),
    "tflite-int8-dynamic": RecipeEntry(
        make_tflite_int8_dynamic, {"per_channel_linear": Option(False)}, **_TFLITE
    ),
    "tflite-int8": RecipeEntry(
        make_tflite_int8, {"calibration_cases": Option(64)}, calibrates=True, **_TFLITE
    ),
}


def recipe_names() -> tuple[str, ...]:
    """Return every recipe that can be asked for, plugins included."""
    return tuple(sorted({*RECIPES, *entry_points(group="benchhub.recipes").names}))


def get_recipe(name: str) -> RecipeEntry:
    """Return a recipe; ConfigError naming the nearest if there is none."""
    if name in RECIPES:
        return RECIPES[name]
    plugins = entry_points(group="benchhub.recipes", name=name)
    if not plugins:
        raise ConfigError(f"recipe {name!r} is unknown{nearest(name, recipe_names())}")
    entry: RecipeEntry = next(iter(plugins)).load()
    return entry
