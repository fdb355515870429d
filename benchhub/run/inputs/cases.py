"""Which inputs of a model run over cases, along their first axis, and which a call has whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchhub.run.inputs.asked_shapes import AskedShapes, Sizes
from benchhub.run.inputs.axes import says_batch, size_of
from benchhub.run.inputs.signature import ModelInput

#: Names that a first axis of cases may have.
_CASES = re.compile(r"batch|^(n|b|bs)$", re.IGNORECASE)


def whole(inputs: Sequence[ModelInput]) -> frozenset[str]:
    """Return the inputs that are the same for all cases of a call, by name: scalars, those that
    are told apart, and where others are open in their first axis, or smaller there, those that are
    fixed in it."""
    first = {one.name: one.axes[0] for one in inputs if one.axes and not one.apart}
    fixed = {name: axis for name, axis in first.items() if isinstance(axis, int)}
    if len(fixed) == len(first) and not any(one.apart for one in inputs):
        least = min(fixed.values(), default=1)
        fixed = {name: size for name, size in fixed.items() if size != least}
    return frozenset(fixed) | {one.name for one in inputs if one.axes == () or one.apart}


def set_apart(
    inputs: Sequence[ModelInput], asked: Sequence[AskedShapes], nameless: bool = True
) -> tuple[ModelInput, ...]:
    """Return inputs; those whose first axis is of no cases, by the sizes given, are told apart.

    Where first axes of other names are given other sizes, as the nodes and the edges of a graph
    are, cases run along the one whose name says that it is a batch; without one, along none.
    `nameless`: axes without a name are of other names, too.
    """
    shared = whole(inputs)
    running = {
        one.name: _first_axis(one, f"#{place}" if nameless else "")
        for place, one in enumerate(inputs)
        if one.name not in shared and one.axes and not isinstance(one.axes[0], int)
    }
    if not any(_differ(inputs, running, of) for of in asked):
        return tuple(inputs)
    batches = {axis for axis in running.values() if _CASES.search(axis)}
    if len(batches) != 1:
        return tuple(replace(one, apart=bool(one.axes)) for one in inputs)
    others = {name for name, axis in running.items() if axis not in batches}
    return tuple(replace(one, apart=one.apart or one.name in others) for one in inputs)


def is_batch(one: ModelInput, place: int) -> bool:
    """Return whether an axis of an input is as long as a call has cases, and not fixed."""
    axis = (one.axes or (None,) * (place + 1))[place]
    if isinstance(axis, int):
        return False
    return says_batch(axis) or (place == 0 and not one.apart)


def of_one_case(inputs: Sequence[ModelInput], sizes: Mapping[str, Sizes]) -> Mapping[str, Sizes]:
    """Return the sizes that inputs of a call would have with one case."""
    named: dict[str, int] = {}
    for one in inputs:
        for place, (axis, size) in enumerate(zip(one.axes or (), sizes[one.name], strict=False)):
            if isinstance(axis, str):
                named[axis] = 1 if is_batch(one, place) else named.get(axis, size)
    shared = whole(inputs)
    found: dict[str, Sizes] = {}
    for one in inputs:
        own = sizes[one.name]
        if one.name in shared:
            known = [size_of(axis, named) for axis in one.axes or ()]
            found[one.name] = tuple(k or size for k, size in zip(known, own, strict=True))
        else:
            found[one.name] = (1, *own[1:])
    return found


def _differ(inputs: Sequence[ModelInput], running: Mapping[str, str], asked: AskedShapes) -> bool:
    """Return whether axes that are first somewhere differ in size, each name being of one size."""
    sizes: dict[str, set[int]] = {axis: set() for axis in running.values()}
    for one in inputs:
        names = [running.get(one.name), *(one.axes or ())[1:]]
        for axis, size in zip(names, asked.sizes.get(one.name, ()), strict=False):
            if isinstance(axis, str) and axis in sizes:
                sizes[axis].add(size)
    found = [of for of in sizes.values() if of]
    return all(len(of) == 1 for of in found) and len(set[int]().union(*found)) > 1


def _first_axis(one: ModelInput, nameless: str) -> str:
    axis = (one.axes or ())[0]
    return axis if isinstance(axis, str) else nameless
