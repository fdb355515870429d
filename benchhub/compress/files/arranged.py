"""A model file as the data and the baseline have it: other names, layouts, batch axes and state."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from benchhub.compress.files.look import inspect_model
from benchhub.compress.files.shapes import compatible, show
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array
from benchhub.model.asked import Arrangement, VariantSpec
from benchhub.model.cell import TensorSpec, Variant
from benchhub.ondevice.job import Form


def inspect_given(spec: VariantSpec) -> Variant:
    """Return the variant of a model file, arranged as the suite says; ConfigError."""
    assert spec.model is not None
    return arranged(inspect_model(spec.name, spec.model), spec.arrangement)


def arranged(variant: Variant, arrangement: Arrangement) -> Variant:
    """Return a variant with the names and axes that the data and the baseline have.

    ConfigError: a name that the file lacks, a layout that is no rearrangement of its axes, an axis
    that it lacks, state that does not fit.
    """
    where = f"variant {variant.name}"
    inputs = _renamed(f"{where}: inputs", variant, variant.inputs, arrangement.inputs)
    outputs = _renamed(f"{where}: outputs", variant, variant.outputs, arrangement.outputs)
    known = [spec.name for spec in (*inputs, *outputs)]
    given = [spec.name for spec in outputs]
    for key, names, what in (
        ("layout", known, "input or output"),
        ("batch_axis", known, "input or output"),
        ("rows", given, "output"),
    ):
        for name in getattr(arrangement, key):
            if name not in names:
                raise ConfigError(
                    f"{where}: {key}.{name}: {variant.path} has no such {what}"
                    f"{nearest(name, names)}"
                )
    both = sorted(arrangement.layout.keys() & arrangement.batch_axis.keys())
    if both:
        raise ConfigError(
            f"{where}: {both[0]} has a layout and a batch_axis; say both in the layout alone"
        )
    inputs = _with_state(where, variant, inputs, outputs, arrangement.state)
    return dataclasses.replace(
        variant,
        inputs=tuple(_ordered(where, spec, arrangement, given=True) for spec in inputs),
        outputs=tuple(
            _with_rows(_ordered(where, spec, arrangement, given=False), arrangement)
            for spec in outputs
        ),
    )


def like(variant: Variant, source: Variant) -> Variant:
    """Return what a recipe made of `source`, arranged as that is: its file has the same names."""
    return dataclasses.replace(
        variant,
        inputs=_alike(variant.inputs, source.inputs),
        outputs=_alike(variant.outputs, source.outputs),
    )


def in_order_of(variant: Variant, baseline: Variant) -> Variant:
    """Return a variant with its outputs in the baseline's order, where they have its names."""
    by_name = {spec.name: spec for spec in variant.outputs}
    wanted = [spec.name for spec in baseline.outputs]
    if sorted(by_name) != sorted(wanted) or list(by_name) == wanted:
        return variant
    ordered = (by_name[name] for name in wanted)
    return dataclasses.replace(
        variant,
        outputs=tuple(dataclasses.replace(spec, own_name=spec.in_file) for spec in ordered),
    )


def with_whole(variant: Variant, names: Collection[str]) -> Variant:
    """Return a variant whose inputs `names`, of the data, are the same for all cases.

    ConfigError for one whose axes are said to hold cases.
    """
    for spec in variant.inputs:
        if spec.name in names and spec.order:
            raise ConfigError(
                f"variant {variant.name}: {spec.name} is the same for all cases in the data, so it"
                " has no batch_axis and no layout; remove them"
            )
    return dataclasses.replace(
        variant,
        inputs=tuple(
            dataclasses.replace(spec, whole=True) if spec.name in names else spec
            for spec in variant.inputs
        ),
    )


def forms(variant: Variant) -> dict[str, Form]:
    """Return how the file's inputs and outputs are otherwise than the data's, by its names."""
    found = {
        spec.in_file: Form(
            spec.order, spec.whole, spec.fed_from, bool(spec.left_out), spec.rows, spec.undeclared
        )
        for spec in (*variant.inputs, *variant.outputs)
    }
    return {name: form for name, form in found.items() if form != Form()}


def output_names(variant: Variant) -> tuple[str, ...]:
    """Return the file's names of outputs in the baseline's order; empty: all, as they come."""
    plain = all(spec == TensorSpec(spec.name, spec.dtype, spec.shape) for spec in variant.outputs)
    return () if plain else tuple(spec.in_file for spec in variant.outputs)


def starting_state(variant: Variant, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return what each input with state starts with, by its name in the data: zeros, or what is
    there. ConfigError where that is of another shape or type."""
    found = {}
    for spec in variant.inputs:
        if not spec.fed_from:
            continue
        shape = tuple(1 if size is None else size for size in spec.shape)
        given = arrays.get(spec.name)
        if given is None:
            found[spec.name] = np.zeros(shape, spec.dtype)
            continue
        fits = [one for one in (given, *given[:1], given[:1]) if one.shape == shape]
        if not fits or given.dtype.name != spec.dtype:
            raise ConfigError(
                f"variant {variant.name}: state {spec.name!r} is {given.dtype.name}"
                f" {'x'.join(map(str, given.shape))} in the data, and the model takes"
                f" {show(spec)}; leave it out to start with zeros"
            )
        found[spec.name] = np.ascontiguousarray(fits[0])
    return found


def _alike(specs: tuple[TensorSpec, ...], source: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    known = {spec.in_file: spec for spec in source}
    return tuple(
        _as(spec, known[spec.in_file]) if spec.in_file in known else spec for spec in specs
    )


def _as(spec: TensorSpec, theirs: TensorSpec) -> TensorSpec:
    if theirs.order and len(theirs.order) != len(spec.shape):
        return spec
    return dataclasses.replace(
        spec,
        name=theirs.name,
        shape=_to_data(spec.shape, theirs.order),
        own_name=theirs.own_name,
        order=theirs.order,
        whole=theirs.whole,
        fed_from=theirs.fed_from,
        left_out=theirs.left_out or spec.left_out,
        rows=theirs.rows,
    )


def _renamed(
    where: str, variant: Variant, specs: Sequence[TensorSpec], names: Mapping[str, str]
) -> list[TensorSpec]:
    there = [spec.name for spec in specs]
    found: dict[str, str] = {}
    for name, told in names.items():
        own = told if told in there else _plain(told)
        if own not in there:
            raise ConfigError(
                f"{where}.{name}: {variant.path} has no {told!r}{nearest(told, there)}"
            )
        if own in found:
            raise ConfigError(f"{where}: {found[own]} and {name} are both {told!r}; each is one")
        found[own] = name
    renamed = [
        dataclasses.replace(spec, name=found[spec.name], own_name=spec.in_file)
        if found.get(spec.name, spec.name) != spec.name
        else spec
        for spec in specs
    ]
    all_names = [spec.name for spec in renamed]
    for name in all_names:
        if all_names.count(name) > 1:
            raise ConfigError(
                f"{where}: {name} is the name of another one of {variant.path} too; name that one"
                " in it as well"
            )
    return renamed


def _plain(name: str) -> str:
    """Return a tensor's name as inspection and runtimes give it for TFLite files."""
    return name.removeprefix("serving_default_").partition(":")[0]


def _with_state(
    where: str,
    variant: Variant,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    state: Mapping[str, str],
) -> list[TensorSpec]:
    takes = {spec.in_file: spec for spec in inputs}
    gives = {spec.in_file: spec for spec in outputs}
    fed: dict[str, str] = {}
    for name, source in state.items():
        for one, side, what in ((name, takes, "input"), (source, gives, "output")):
            if one not in side:
                raise ConfigError(
                    f"{where}: state.{name}: {variant.path} has no {what} {one!r}"
                    f"{nearest(one, side)}"
                )
        into, out = takes[name], gives[source]
        if into.dtype != out.dtype or not compatible(into.shape, out.shape):
            raise ConfigError(
                f"{where}: state.{name}: {source} is {show(out)} and {name} takes {show(into)};"
                " only what has the same type and shape can be fed back"
            )
        fed[name] = source
    return [
        dataclasses.replace(spec, fed_from=fed[spec.in_file], whole=True)
        if spec.in_file in fed
        else spec
        for spec in inputs
    ]


def _ordered(where: str, spec: TensorSpec, arrangement: Arrangement, given: bool) -> TensorSpec:
    """Return a tensor of a file as the data have it; `given`: it is an input."""
    if spec.name in arrangement.layout:
        order = _layout(where, spec, arrangement.layout[spec.name], given)
        if spec.whole:
            raise ConfigError(f"{where}: layout.{spec.name}: it has no cases; remove it")
    elif spec.name in arrangement.batch_axis:
        axis = arrangement.batch_axis[spec.name]
        if axis is None or spec.fed_from:
            if axis is not None and axis >= len(spec.shape):
                raise _no_axis(where, spec, axis)
            left_out = "" if given else "it does not run over cases"
            return dataclasses.replace(spec, whole=True, left_out=left_out or spec.left_out)
        if axis >= len(spec.shape):
            raise _no_axis(where, spec, axis)
        # cases come first in the data, then the file's other axes in their order
        others = [one for one in range(len(spec.shape)) if one != axis]
        order = tuple([axis, *others].index(one) for one in range(len(spec.shape)))
    else:
        return spec
    if order == tuple(range(len(order))):
        return spec
    return dataclasses.replace(spec, shape=_to_data(spec.shape, order), order=order)


def _with_rows(spec: TensorSpec, arrangement: Arrangement) -> TensorSpec:
    """Return an output with the rows that are said of it; it runs over cases then."""
    rows = arrangement.rows.get(spec.name, 0)
    return dataclasses.replace(spec, rows=rows, left_out="") if rows else spec


def _no_axis(where: str, spec: TensorSpec, axis: int) -> ConfigError:
    return ConfigError(
        f"{where}: batch_axis.{spec.name} = {axis}: it has {len(spec.shape)} axes, from 0 to"
        f" {len(spec.shape) - 1}"
    )


def _layout(where: str, spec: TensorSpec, text: str, given: bool) -> tuple[int, ...]:
    """Return, for each axis of the file, the axis of the data or the baseline that it is."""
    first, arrow, second = (part.strip() for part in text.partition("->"))
    data, own = (first, second) if given else (second, first)
    if not arrow or sorted(data) != sorted(own) or len(set(data)) != len(data) or not data:
        raise ConfigError(
            f"{where}: layout.{spec.name} = {text!r}: it should name the same axes twice, like"
            " NCHW->NHWC, each by a letter of its own"
        )
    if len(data) != len(spec.shape):
        raise ConfigError(
            f"{where}: layout.{spec.name} = {text!r} has {len(data)} axes, and {spec.in_file} has"
            f" {len(spec.shape)}: {show(spec)}"
        )
    return tuple(data.index(letter) for letter in own)


def _to_data(shape: tuple[int | None, ...], order: tuple[int, ...]) -> tuple[int | None, ...]:
    if not order:
        return shape
    return tuple(shape[order.index(axis)] for axis in range(len(order)))
