"""Compression recipes: how a variant is made from a baseline. A table of name -> Recipe function.

A recipe takes the baseline file, the file to write, its options and a source of calibration
inputs, and writes an ONNX model with the same inputs and outputs. Other distributions add recipes
through the entry point group `benchhub.recipes`, whose values name `RecipeEntry` objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from benchhub.compress.float16 import make_fp16
from benchhub.compress.int8 import METHODS, make_int8_dynamic, make_int8_static
from benchhub.compress.options import Option
from benchhub.errors import ConfigError, nearest
from benchhub.model import Array, Settings

Calibration = Callable[[int], Mapping[str, Array]]
Make = Callable[[Path, Path, Settings, Calibration], None]


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """A recipe of the table: the function, which gets every option, and the options it knows.

    `calibrates` says that it reads calibration inputs, which then belong to the variant's
    identity; such a recipe has an option `calibration_cases`.
    """

    make: Make
    options: Mapping[str, Option]
    calibrates: bool = False


_TYPES = ("QInt8", "QUInt8")

RECIPES: dict[str, RecipeEntry] = {
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
