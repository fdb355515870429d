"""A suite's own mistakes about variants and recipes: told before anything is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from benchhub.compress import get_recipe
from benchhub.compress.files.arranged import in_order_of, inspect_given
from benchhub.compress.files.look import check_inputs_match, check_outputs_match
from benchhub.compress.options import complete
from benchhub.compress.recipe import Ingredients, RecipeEntry
from benchhub.config.folders import expanded
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import Variant


def check_recipes(suite: Suite, using: Ingredients) -> Mapping[str, Variant]:
    """Return the variants of `suite` that are model files, by name; every variant is looked at.

    ConfigError, naming the suite's file and the key: an unknown recipe or option, a value that it
    does not take, variants that are made from each other, a source of another format, training or
    calibration cases that the data does not have, a model file that is missing, damaged, or
    does not fit the baseline's.
    """
    try:
        return _checked(suite, using)
    except ConfigError as error:
        text = str(error)
        if str(suite.path) in text:
            raise
        raise ConfigError(f"{suite.path}: {text}") from error


def settled(spec: VariantSpec) -> tuple[RecipeEntry, Settings]:
    """Return a variant's recipe and all its options; ConfigError for what is not known."""
    assert spec.recipe is not None
    entry = get_recipe(spec.recipe.name)
    where = f"variant {spec.name}: recipe {spec.recipe.name}"
    return entry, complete(where, spec.recipe.options, entry.options, entry.others)


def check_source(spec: VariantSpec, entry: RecipeEntry, format_: str | None, source: str) -> None:
    """Raise ConfigError unless a recipe reads what it is given: a format, None for no source."""
    recipe = spec.recipe.name if spec.recipe else ""
    if entry.reads and format_ is None:
        raise ConfigError(
            f"variant {spec.name}: recipe {recipe} reads a model; say `from` which variant"
        )
    if format_ is not None and format_ not in entry.reads:
        wanted = " or ".join(entry.reads).replace("onnx", "ONNX")
        if not wanted:
            raise ConfigError(
                f"variant {spec.name}: recipe {recipe} begins from nothing; remove `from`"
            )
        raise ConfigError(
            f"variant {spec.name}: recipe {recipe} reads {wanted}, not the {format_}"
            f" file of {source}; name such a variant in `from`"
        )


def files_sha256(
    where: str, entry: RecipeEntry, options: Settings, beside: Path
) -> Mapping[str, str]:
    """Return the sha256 of the files that options name; ConfigError for one that is missing."""
    found = {}
    for name in entry.files:
        text = str(options[name])
        code, _, function = text.rpartition(":")
        file = code if code.endswith(".py") and function.isidentifier() else text
        if not text:
            raise ConfigError(f"{where}: option {name} is missing; name a file")
        try:
            data = (beside / expanded(file)).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{where}: {name} = {text!r}: cannot be read: {error.strerror};"
                f" it is looked for in {beside.resolve()}"
            ) from error
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def _checked(suite: Suite, using: Ingredients) -> Mapping[str, Variant]:
    specs = {spec.name: spec for spec in suite.variants}
    for spec in suite.variants:
        _check_chain(spec, specs)
    recipes = {spec.name: settled(spec) for spec in suite.variants if spec.recipe is not None}
    files = {spec.name: inspect_given(spec) for spec in suite.variants if spec.model is not None}
    baseline = files.get(suite.baseline)
    if baseline is not None:
        files = {name: in_order_of(variant, baseline) for name, variant in files.items()}
        for variant in files.values():
            check_inputs_match(variant, baseline)
            check_outputs_match(variant, baseline)
    written = {name: variant.format for name, variant in files.items()}
    written |= {name: entry.writes for name, (entry, _) in recipes.items()}
    for name, (entry, options) in recipes.items():
        source = specs[name].source
        check_source(specs[name], entry, written[source] if source else None, source or "")
        check_data(specs[name], entry, options, using)
        files_sha256(f"variant {name}: recipe", entry, options, using.beside)
    return files


def check_data(
    spec: VariantSpec, entry: RecipeEntry, options: Settings, using: Ingredients
) -> None:
    """Raise ConfigError where a recipe trains or calibrates and there are no cases for it."""
    recipe = spec.recipe.name if spec.recipe else ""
    if entry.trains_with(options) and using.training is None:
        raise ConfigError(
            f"variant {spec.name}: recipe {recipe} trains, and task {using.task} has no model that"
            " can be trained; use a recipe or options that do not train"
        )
    if entry.calibrates:
        using.calibration(options["calibration_cases"])


def _check_chain(spec: VariantSpec, specs: Mapping[str, VariantSpec]) -> None:
    above = [spec.name]
    while (source := specs[above[-1]].source) is not None:
        if source in above:
            raise ConfigError(
                f"variants {' -> '.join((*above, source))} are made from each other; start the"
                " chain at a model file"
            )
        above.append(source)
