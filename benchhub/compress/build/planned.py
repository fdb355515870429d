"""A suite's variants without making any: those that are there, and what the others will be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchhub.compress.build.cached import find
from benchhub.compress.build.checked import settled
from benchhub.compress.build.suite import BuiltSuite, as_asked
from benchhub.compress.recipe import Ingredients
from benchhub.errors import MissingExtra, RecipeFailed
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import SkipKind, SkipReason, TensorSpec, Variant


def plan_all(
    suite: Suite, using: Ingredients, files: Mapping[str, Variant], cache: Path
) -> BuiltSuite:
    """Return what `build_all` would, as far as it can be told without making anything."""
    specs = {spec.name: spec for spec in suite.variants}
    known: dict[str, Variant] = dict(files)
    to_make: list[str] = []
    unbuilt: dict[str, SkipReason] = {}

    def look(spec: VariantSpec) -> None:
        if spec.name in known or spec.name in unbuilt:
            return
        if spec.source is not None:
            look(specs[spec.source])
            if spec.source in unbuilt:
                unbuilt[spec.name] = unbuilt[spec.source]
                return
        source = known[spec.source] if spec.source is not None else None
        try:
            found = None if spec.source in to_make else find(spec, source, using, cache)
        except (MissingExtra, RecipeFailed) as error:
            failed = isinstance(error, RecipeFailed)
            kind = SkipKind.RECIPE_FAILED if failed else SkipKind.UNBUILT
            unbuilt[spec.name] = SkipReason(kind, error.reason)
            return
        if found is None:
            to_make.append(spec.name)
        known[spec.name] = found or _unmade(spec, source, using)

    for spec in suite.variants:
        look(spec)
    if suite.baseline in unbuilt:
        raise _missing(suite.baseline, unbuilt[suite.baseline])
    return BuiltSuite(
        tuple(
            as_asked(known[spec.name], spec, specs, suite.baseline)
            for spec in suite.variants
            if spec.name in known
        ),
        unbuilt,
        to_make=tuple(spec for spec in suite.variants if spec.name in to_make),
    )


def _missing(name: str, why: SkipReason) -> MissingExtra | RecipeFailed:
    if why.kind is SkipKind.RECIPE_FAILED:
        return RecipeFailed(name, why.text)
    return MissingExtra(f"variant {name}: {why.text}", why.text)


def _unmade(spec: VariantSpec, source: Variant | None, using: Ingredients) -> Variant:
    """Return a variant with neither file nor sizes, which takes and gives what its source does."""
    entry, _ = settled(spec)
    return Variant(
        name=spec.name,
        path=Path(),
        sha256="",
        format=entry.writes,
        model_bytes=0,
        gzip_bytes=0,
        inputs=source.inputs if source else _of_cases(using),
        outputs=source.outputs if source else (),
        recipe=spec.recipe,
    )


def _of_cases(using: Ingredients) -> tuple[TensorSpec, ...]:
    cases = using.examples(1) if using.examples is not None else {}
    return tuple(
        TensorSpec(name, array.dtype.name, (None, *array.shape[1:]))
        for name, array in cases.items()
    )
