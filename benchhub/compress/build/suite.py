"""The variants of a suite, each made once, what it is made from first."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from benchhub.compress import Ingredients, get_recipe
from benchhub.compress.build.cached import build
from benchhub.compress.files.look import check_inputs_match, check_outputs_match, inspect_model
from benchhub.errors import ConfigError, MissingExtra
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import Variant
from benchhub.tasks import Dataset, is_trainable


class Builder:
    """Makes variants by name; what misses an extra of benchhub stays missing."""

    def __init__(
        self, suite: Suite, dataset: Dataset, cache: Path, progress: Callable[[str], None]
    ) -> None:
        self._path, self._cache, self._progress = suite.path, cache, progress
        self._specs = {spec.name: spec for spec in suite.variants}
        self._using = ingredients(suite, dataset, cache, progress)
        self._made: dict[str, Variant] = {}
        self._missing: dict[str, MissingExtra] = {}

    def make(self, name: str, above: tuple[str, ...] = ()) -> Variant:
        """Return a variant, made from its sources if need be; raises what `build` does.

        `above` are those that are made from it; ConfigError if it is one of them.
        """
        if name in above:
            raise ConfigError(
                f"{self._path}: variants {' -> '.join((*above, name))} are made"
                " from each other; start the chain at a model file"
            )
        if name in self._missing:
            raise self._missing[name]
        if name not in self._made:
            try:
                self._made[name] = self._new(self._specs[name], (*above, name))
            except MissingExtra as error:
                self._missing[name] = error
                raise
        return self._made[name]

    def _new(self, spec: VariantSpec, above: tuple[str, ...]) -> Variant:
        if spec.model is not None:
            return inspect_model(spec.name, spec.model)
        source = None if spec.source is None else self.make(spec.source, above)
        self._progress(f"making variant {spec.name}" + (f" from {source.name}" if source else ""))
        return build(spec, source, self._using, self._cache)


def build_all(
    suite: Suite, dataset: Dataset, cache: Path, progress: Callable[[str], None]
) -> tuple[tuple[Variant, ...], Mapping[str, str]]:
    """Return the suite's variants, and why each that is missing could not be made here."""
    specs = {spec.name: spec for spec in suite.variants}
    builder = Builder(suite, dataset, cache, progress)
    baseline = builder.make(suite.baseline)
    made, missing = [], {}
    for spec in suite.variants:
        try:
            variant = builder.make(spec.name)
        except MissingExtra as error:
            missing[spec.name] = error.reason
            continue
        check_inputs_match(variant, baseline)
        check_outputs_match(variant, baseline)
        made.append(
            dataclasses.replace(
                variant,
                against=spec.against,
                approximates=_approximated(spec, specs, suite.baseline),
            )
        )
    return tuple(made), missing


def ingredients(
    suite: Suite, dataset: Dataset, cache: Path, progress: Callable[[str], None]
) -> Ingredients:
    """Return what recipes may use; training cases are read once."""
    return Ingredients(
        calibration=dataset.calibration,
        training=functools.cache(dataset.training) if is_trainable(suite.task) else None,
        task=suite.task,
        folder=cache,
        progress=progress,
        data=dataset.provenance,
    )


def _approximated(spec: VariantSpec, specs: Mapping[str, VariantSpec], baseline: str) -> str:
    """Return the variant whose answers `spec` is meant to give; empty: the baseline."""
    while spec.name != baseline:
        exact = (
            spec.approximates if spec.recipe is None else get_recipe(spec.recipe.name).approximates
        )
        if not exact:
            return spec.name
        if spec.source is None:
            break
        spec = specs[spec.source]
    return ""
