"""The variants of a suite, each made once, what it is made from first."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.compress import Ingredients, get_recipe
from benchhub.compress.build.cached import build
from benchhub.compress.build.trials import MadeBy, refused
from benchhub.compress.files.arranged import in_order_of
from benchhub.compress.files.look import check_inputs_match, check_outputs_match
from benchhub.compress.trial.tryout import Tryout
from benchhub.errors import ConfigError, MissingExtra, RecipeFailed
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import SkipKind, SkipReason, Variant
from benchhub.tasks import Dataset, is_trainable


@dataclass(frozen=True, slots=True)
class BuiltSuite:
    """A suite's variants; why each that is missing could not be made here; and, by variant and
    backend, why a backend cannot run what was made.

    Those in `to_make` were only planned: they have no file, but the tensors that they will have.
    """

    variants: tuple[Variant, ...]
    unbuilt: Mapping[str, SkipReason]
    refused: Mapping[tuple[str, str], SkipReason] = field(default_factory=dict)
    to_make: tuple[VariantSpec, ...] = ()


class Builder:
    """Makes variants by name; what could not be made stays missing.

    `files` are the variants that are model files, as `check_recipes` returns them; `failed` those
    that are known not to be makeable.
    """

    def __init__(
        self,
        suite: Suite,
        using: Ingredients,
        files: Mapping[str, Variant],
        cache: Path,
        tryout: Tryout,
        failed: Mapping[str, RecipeFailed],
    ) -> None:
        self._suite, self._cache, self._using, self._tryout = suite, cache, using, tryout
        self._specs = {spec.name: spec for spec in suite.variants}
        self._made: dict[str, Variant] = dict(files)
        self._missing: dict[str, MissingExtra | RecipeFailed] = dict(failed)

    def make(self, name: str) -> Variant:
        """Return a variant, made from its sources if need be; raises what `build` does.

        RecipeFailed where what it is made from could not be made.
        """
        if name in self._missing:
            raise self._missing[name]
        if name not in self._made:
            try:
                self._made[name] = self._new(self._specs[name])
            except (MissingExtra, RecipeFailed) as error:
                self._missing[name] = error
                raise
        return self._made[name]

    def refused(self, variant: Variant) -> Mapping[str, str]:
        """Return the backends it is meant for that cannot run what was made, with the reasons."""
        spec = self._specs[variant.name]
        if spec.recipe is None:
            return {}
        by = MadeBy(
            spec.name,
            spec.recipe.name,
            spec.source or "nothing",
            get_recipe(spec.recipe.name).otherwise,
        )
        return refused(variant, self._backends(spec), by)

    def _new(self, spec: VariantSpec) -> Variant:
        source = None
        if spec.source is not None:
            try:
                source = self.make(spec.source)
            except RecipeFailed as error:
                reason = f"it is made from {spec.source}, which could not be made"
                raise RecipeFailed(spec.name, reason) from error
        self._using.progress(
            f"making variant {spec.name}" + (f" from {source.name}" if source else "")
        )
        backends = self._backends(spec)
        return build(spec, source, self._using, self._cache, backends, self._tryout)

    def _backends(self, spec: VariantSpec) -> tuple[str, ...]:
        return spec.backends or self._suite.backends


def build_all(
    suite: Suite,
    using: Ingredients,
    files: Mapping[str, Variant],
    cache: Path,
    failed: Mapping[str, RecipeFailed],
) -> BuiltSuite:
    """Return the suite's variants, made where they are not in the cache, and what is missing.

    `files` are those that are model files; `failed` is as `build_ahead` returns it. Raises what
    `build` does of the baseline; of others what is missing or cannot be made is told in the result.
    """
    specs = {spec.name: spec for spec in suite.variants}
    made: list[Variant] = []
    unbuilt: dict[str, SkipReason] = {}
    refused_by: dict[tuple[str, str], SkipReason] = {}
    with Tryout() as tryout:
        builder = Builder(suite, using, files, cache, tryout, failed)
        baseline = builder.make(suite.baseline)
        for spec in suite.variants:
            try:
                variant = _fitting(builder.make(spec.name), baseline)
            except MissingExtra as error:
                unbuilt[spec.name] = SkipReason(SkipKind.UNBUILT, error.reason)
                continue
            except RecipeFailed as error:
                unbuilt[spec.name] = SkipReason(SkipKind.RECIPE_FAILED, error.reason)
                continue
            for backend, reason in builder.refused(variant).items():
                key = (spec.name, backend)
                refused_by[key] = SkipReason(SkipKind.RECIPE_FAILED, reason)
            made.append(as_asked(variant, spec, specs, suite.baseline))
    return BuiltSuite(tuple(made), unbuilt, refused_by)


def as_asked(
    variant: Variant, spec: VariantSpec, specs: Mapping[str, VariantSpec], baseline: str
) -> Variant:
    """Return a variant with what the suite says of it beside how it is made."""
    return dataclasses.replace(
        variant, against=spec.against, approximates=_approximated(spec, specs, baseline)
    )


def _fitting(variant: Variant, baseline: Variant) -> Variant:
    """Return a variant that takes and gives what the baseline does; RecipeFailed if it was made
    otherwise, ConfigError if it is a file."""
    try:
        check_inputs_match(variant, baseline)
        variant = in_order_of(variant, baseline)
        check_outputs_match(variant, baseline)
    except ConfigError as error:
        if variant.recipe is None:
            raise
        reason = str(error).removeprefix(f"variant {variant.name}: ")
        raise RecipeFailed(variant.name, reason) from error
    return variant


def ingredients(
    suite: Suite, dataset: Dataset, cache: Path, progress: Callable[[str], None]
) -> Ingredients:
    """Return what recipes may use; training and calibration cases are read once."""
    return Ingredients(
        calibration=functools.cache(dataset.calibration),
        training=functools.cache(dataset.training) if is_trainable(suite.task) else None,
        task=suite.task,
        folder=cache,
        progress=progress,
        data=dataset.provenance,
        examples=lambda count: dataset.cases(count).inputs,
        beside=suite.path.parent,
        whole=functools.cache(lambda: dataset.cases(1).whole),
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
