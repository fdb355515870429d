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
from benchhub.outside import ExtensionPoint

__all__ = [
    "RECIPES", "Ingredients", "Make", "Option", "RecipeEntry", "get_recipe", "late",
    "recipe_names",
]  # fmt: skip

_TYPES = ("QInt8", "QUInt8")
_TORCH = ("torch", "onnx", "numpy")
_SEED = Option(0, least=0, words="of all random numbers")
_RATE = Option(0.0, least=0.0, words="peak of the schedule; 0: the task's model's own")
_FINETUNE = {
    "finetune_epochs": Option(0, least=0, words="epochs of training after each step"),
    "finetune_cases": Option(0, least=0, words="on so many training cases; 0: all"),
    "learning_rate": _RATE,
    "seed": _SEED,
}
_BN_L1 = Option(
    0.0, least=0.0, words="L1 on the scales of batch normalisations, for importance `bn`"
)
_STEPS = Option(1, words="prune in so many steps, the share that stays shrinking alike in each")
_CHANNELS = Option(
    "auto",
    ("auto",),
    words="true: a scale an output channel; false: one a tensor; auto: the former where a file with"
    " it can be made and run",
    or_bool=True,
)
_CHOSEN = {
    "nodes_to_exclude": Option((), words="names of nodes that stay in float32"),
    "op_types_to_quantize": Option(
        (), words="operators that are quantized, as onnxruntime calls them; empty: all it can"
    ),
}
_OTHERS = "name in nodes_to_exclude what is to stay in float32, or leave the variant out"
_PER_TENSOR = "try per_channel = false or nodes_to_exclude, or leave the variant out"
_STRUCTURED = {
    "ratio": Option(0.5, least=0.0, most=0.9999, words="share of the channels that goes"),
    "importance": Option(
        "l2", ("l1", "l2", "bn", "taylor", "lamp", "random"), words="what channels rank by"
    ),
    "scope": Option(
        "local", ("local", "global"), words="the ratio in every layer, or in one ranking"
    ),
    "steps": _STEPS,
    **_FINETUNE,
    "recalibrate": Option(
        16,
        least=0,
        words="batches that renew the statistics of batch normalisations where nothing is"
        " fine-tuned; 0: leave them",
    ),
    "importance_cases": Option(64, words="training cases for importance `taylor`"),
    "bn_l1": _BN_L1,
}
_CALIBRATION = Option(64, words="inputs of the training split that ranges are read off")
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
            "net": Option("", words="one of the task's networks; empty: its first"),
            "epochs": Option(10, words="times that the training cases are gone through"),
            "cases": Option(0, least=0, words="on so many training cases; 0: all"),
            "seed": _SEED,
            "learning_rate": _RATE,
            "bn_l1": _BN_L1,
        },
        trains=True,
        reads=(),
        libraries=_TORCH,
        extra="compress",
        others=True,
        approximates=False,
        words="one of the task's networks, from fresh weights; other options are the network's",
    ),
    "prune-structured": RecipeEntry(
        late("benchhub.compress.recipes.structured", "make_structured"),
        _STRUCTURED,
        trains=True,
        libraries=("torch", "torch-pruning", "onnx", "numpy"),
        extra="compress",
        approximates=False,
        words="whole channels go; reads files of benchhub's own networks",
    ),
    "prune-network": RecipeEntry(
        late("benchhub.compress.recipes.own_network", "make_own"),
        {
            "network": Option("", words="FILE.py:FUNCTION that builds it; the file is run"),
            "weights": Option("", words="its state_dict, as torch.save writes it"),
            "data": Option("", words=".npz with its one input by name, and `labels`"),
            "output": Option("output", words="what its output is called"),
            **_STRUCTURED,
        },
        reads=(),
        libraries=("torch", "torch-pruning", "onnx", "numpy"),
        extra="compress",
        approximates=False,
        files=("network", "weights", "data"),
        words="whole channels of a torch network of your own go; `ratio` 0: it is only exported",
    ),
    "prune-magnitude": RecipeEntry(
        make_pruned,
        {
            "compression": Option(
                4.0, least=1.0, words="prunable weights before over those that are left"
            ),
            "scope": Option("layer", SCOPES, words="the same share of each layer, or one ranking"),
            "only": Option("", words="names of submodules, separated by commas; empty: all"),
            "heads": Option(True, words="whether the last layers before the outputs are pruned"),
            "keep": Option(1, least=0, words="so many weights stay in every layer"),
            "steps": _STEPS,
            **_FINETUNE,
            "recalibrate": Option(
                0,
                least=0,
                words="batches that renew the statistics of batch normalisations; 0: leave them",
            ),
        },
        trains=("finetune_epochs", "recalibrate"),
        libraries=("onnx", "numpy"),
        extra="compress",
        approximates=False,
        words="the smallest weights become zero",
    ),
    "fp16": RecipeEntry(
        make_fp16, {}, words="weights and arithmetic in float16, inputs and outputs in float32"
    ),
    "int8-dynamic": RecipeEntry(
        make_int8_dynamic,
        {
            "weight_type": Option("QUInt8", _TYPES, words="type of the weights"),
            "per_channel": Option(False, words="a scale an output channel"),
            **_CHOSEN,
        },
        otherwise=_OTHERS,
        words="int8 weights, activations quantized at each call",
    ),
    "int8-static": RecipeEntry(
        make_int8_static,
        {
            "calibration_cases": _CALIBRATION,
            "method": Option("minmax", tuple(METHODS), words="how ranges are read off"),
            "per_channel": _CHANNELS,
            "reduce_range": Option(False, words="weights of 7 bits, for x86 CPUs without VNNI"),
            "weight_type": Option("QInt8", _TYPES, words="type of the weights"),
            "activation_type": Option("QUInt8", _TYPES, words="type of the activations"),
            **_CHOSEN,
        },
        calibrates=True,
        otherwise=_PER_TENSOR,
        words="int8 weights and activations, in QDQ form",
    ),
    "int8-weights": RecipeEntry(
        make_int8_weights,
        {"per_channel": _CHANNELS},
        otherwise="try per_channel = false or another recipe, or leave the variant out",
        words="int8 weights, computed in float32",
    ),
    "int8-nncf": RecipeEntry(
        make_int8_nncf,
        {
            "calibration_cases": _CALIBRATION,
            "preset": Option(
                PRESETS[0], PRESETS, words="symmetric activations, or asymmetric ones too"
            ),
            "bias_correction": Option(False, words="correct biases over the calibration cases"),
        },
        calibrates=True,
        libraries=("nncf", "onnxruntime", "onnx", "numpy"),
        extra="nncf",
        words="int8 weights and activations, in QDQ form as nncf places it for OpenVINO",
    ),
    "tflite": RecipeEntry(
        late("benchhub.compress.recipes.tflite_export", "make_tflite"),
        {},
        writes="tflite",
        libraries=("litert-torch", "torch", "onnx", "numpy"),
        extra="export",
        words="float32 TFLite; reads files of benchhub's own networks",
    ),
    "tflite-fp16": RecipeEntry(
        make_tflite_fp16, {}, **_TFLITE, words="float16 weights, cast back where they are used"
    ),
    "tflite-int8-dynamic": RecipeEntry(
        make_tflite_int8_dynamic,
        {"per_channel_linear": Option(False, words="a scale a channel in linear layers, too")},
        **_TFLITE,
        words="int8 weights, activations quantized at each call",
    ),
    "tflite-int8": RecipeEntry(
        make_tflite_int8,
        {"calibration_cases": _CALIBRATION},
        calibrates=True,
        **_TFLITE,
        words="int8 throughout, inputs and outputs too",
    ),
}


def recipe_names() -> tuple[str, ...]:
    """Return every recipe that can be asked for, plugins included."""
    return tuple(sorted({*RECIPES, *entry_points(group=ExtensionPoint.RECIPES).names}))


def get_recipe(name: str) -> RecipeEntry:
    """Return a recipe; ConfigError naming the nearest if there is none."""
    if name in RECIPES:
        return RECIPES[name]
    plugins = entry_points(group=ExtensionPoint.RECIPES, name=name)
    if not plugins:
        raise ConfigError(f"recipe {name!r} is unknown{nearest(name, recipe_names())}")
    entry: RecipeEntry = next(iter(plugins)).load()
    return entry
