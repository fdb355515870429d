"""A variant as the store keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.model.cell import ModelFile, TensorSpec, Variant
from benchhub.model.recipe import Recipe
from benchhub.store.stored.record import Part, Record, parsed, written


class _Tensor(Part):
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    own_name: str = ""
    order: tuple[int, ...] = ()
    whole: bool = False
    fed_from: str = ""
    left_out: str = ""
    rows: int = 0
    undeclared: bool = False


class _File(Part):
    name: str
    sha256: str
    size_bytes: int


class _Recipe(Part):
    name: str
    options: Mapping[str, Any] = {}


class VariantV1(Record):
    """Since schema 0001."""

    name: str
    path: str
    sha256: str
    format: str
    model_bytes: int
    gzip_bytes: int | None
    inputs: tuple[_Tensor, ...]
    outputs: tuple[_Tensor, ...]
    recipe: _Recipe | None = None
    params: int | None = None
    nonzero_params: int | None = None
    macs: int | None = None
    provenance: Mapping[str, str] = {}
    against: str | None = None
    sparse_bytes: int | None = None
    approximates: str = ""
    files: tuple[_File, ...] = ()
    uncounted: tuple[str, ...] = ()


def write_variant(variant: Variant) -> dict[str, Any]:
    """Return a variant as JSON types."""
    recipe = variant.recipe
    return written(
        VariantV1(
            name=variant.name,
            path=str(variant.path),
            sha256=variant.sha256,
            format=variant.format,
            model_bytes=variant.model_bytes,
            gzip_bytes=variant.gzip_bytes,
            inputs=_tensors(variant.inputs),
            outputs=_tensors(variant.outputs),
            recipe=_Recipe(name=recipe.name, options=dict(recipe.options)) if recipe else None,
            params=variant.params,
            nonzero_params=variant.nonzero_params,
            macs=variant.macs,
            provenance=dict(variant.provenance),
            against=variant.against,
            sparse_bytes=variant.sparse_bytes,
            approximates=variant.approximates,
            files=tuple(
                _File(name=one.name, sha256=one.sha256, size_bytes=one.size_bytes)
                for one in variant.files
            ),
            uncounted=variant.uncounted,
        )
    )


def read_variant(raw: Mapping[str, Any]) -> Variant:
    """Invert `write_variant`, or raise Misfit."""
    of = parsed("variant", raw, VariantV1)
    return Variant(
        name=of.name,
        path=Path(of.path),
        sha256=of.sha256,
        format=of.format,
        model_bytes=of.model_bytes,
        gzip_bytes=of.gzip_bytes,
        inputs=_specs(of.inputs),
        outputs=_specs(of.outputs),
        recipe=Recipe(of.recipe.name, of.recipe.options) if of.recipe else None,
        params=of.params,
        nonzero_params=of.nonzero_params,
        macs=of.macs,
        provenance=of.provenance,
        against=of.against,
        sparse_bytes=of.sparse_bytes,
        approximates=of.approximates,
        files=tuple(ModelFile(one.name, one.sha256, one.size_bytes) for one in of.files),
        uncounted=of.uncounted,
    )


def _tensors(specs: tuple[TensorSpec, ...]) -> tuple[_Tensor, ...]:
    return tuple(_Tensor(**dataclasses.asdict(one)) for one in specs)


def _specs(tensors: tuple[_Tensor, ...]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(**one.model_dump()) for one in tensors)
