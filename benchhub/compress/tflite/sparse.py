"""Sparse tensors of a TFLite file made dense, as the operator DENSIFY does on a device."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from benchhub.model.arrays import Array


def dense(values: Array, shape: tuple[int, ...], sparsity: Any) -> Array:
    """Return the stored `values` in their places among zeros, in the tensor's `shape`.

    `sparsity` is a `SparsityParametersT`: levels in the order in which values are stored, of which
    those beyond the axes run inside the blocks of an axis. ValueError where it does not fit.
    """
    order = [int(axis) for axis in sparsity.traversalOrder]
    blocked = [] if sparsity.blockMap is None else [int(axis) for axis in sparsity.blockMap]
    levels = dict(zip(order, sparsity.dimMetadata, strict=True))
    if sorted(order) != list(range(len(shape) + len(blocked))):
        raise ValueError("its levels are not those of its axes and blocks")
    axis_of = [*range(len(shape)), *blocked]
    steps = [1] * len(shape) + [1] * len(blocked)
    for block, axis in enumerate(blocked):
        steps[axis] *= int(levels[len(shape) + block].denseSize)
    if len(set(blocked)) < len(blocked):
        raise ValueError("an axis is in blocks of blocks")
    nodes = np.zeros(1, np.int64)  # of the level, by their places among all that could be there
    places = np.zeros((1, len(shape)), np.int64)
    for level in order:
        parents, found, nodes = _below(nodes, levels[level])
        places = places[parents]
        places[:, axis_of[level]] += found * steps[level]
    if nodes.size and (nodes.max() >= len(values) or (places >= shape).any()):
        raise ValueError("it names values or places that are not there")
    whole = np.zeros(shape, values.dtype)
    whole[tuple(places.T)] = values[nodes]
    return whole


def _below(nodes: Array, level: Any) -> tuple[Array, Array, Array]:
    """Return for each node of a level: its parent's row, its index there, and its place."""
    if level.format == schema.DimensionType.DENSE:
        size = int(level.denseSize)
        found = np.tile(np.arange(size, dtype=np.int64), len(nodes))
        parents = np.repeat(np.arange(len(nodes)), size)
        return parents, found, nodes[parents] * size + found
    segments = np.asarray(level.arraySegments.values, np.int64)
    indices = np.asarray(level.arrayIndices.values, np.int64)
    if len(nodes) and nodes.max() + 1 >= len(segments):
        raise ValueError("a level has fewer segments than the level above it has nodes")
    begins, counts = segments[nodes], np.diff(segments)[nodes]
    parents = np.repeat(np.arange(len(nodes)), counts)
    offsets = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.repeat(begins, counts) + offsets
    return parents, indices[places], places
