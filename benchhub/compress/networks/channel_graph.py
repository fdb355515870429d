"""Which channels of which layers must go together: torch-pruning's dependency graph, mended."""

from __future__ import annotations

from typing import Any

import torch_pruning as tp
from torch import Tensor, nn
from torch_pruning.dependency.node import Node
from torch_pruning.dependency.shape_infer import infer_out_channels_recursively
from torch_pruning.ops import OPTYPE

from benchhub.compress.recipes.quiet import quiet


class _Graph(tp.DependencyGraph):  # type: ignore[misc,unused-ignore]
    """A dependency graph that sees through maps that are flattened.

    torch-pruning 1.6 takes the width of the linear layer behind a flattened map for that of the
    map. If the map is a concatenation, its parts are then pruned as if they were added.
    """

    def get_in_channels(self, module_or_node: Any) -> int | None:
        """Return how many channels a layer or an operation reads; None if it has no such number."""
        channels: int | None = super().get_in_channels(module_or_node)
        flattens = isinstance(module_or_node, Node) and module_or_node.type == OPTYPE.RESHAPE
        if channels is None and flattens and module_or_node.inputs:
            channels = infer_out_channels_recursively(self, module_or_node.inputs[0], [0])
        return channels


def channel_graph(net: nn.Module, example: Tensor) -> Any:
    """Return the dependency graph of a network, traced with one case."""
    with quiet():
        return _Graph().build_dependency(net, example)
