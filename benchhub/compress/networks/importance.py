"""Which channels of a network matter least: torch-pruning's scores, and the choice among them.

Channels that must go together (through additions, depthwise convolutions, concatenations) form one
group of torch-pruning's dependency graph. At least one channel of each group stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch_pruning as tp
from torch import Tensor, nn

from benchhub.compress.networks.training import batches_of
from benchhub.compress.recipes.reproducible import reproducible, threads_for
from benchhub.model.quality import Cases
from benchhub.tasks import Trainable


@dataclass(frozen=True, slots=True)
class Channels:
    """A group that can be pruned: the layer it begins at, and a score for each of its channels.

    Channels of a grouped convolution go in sets, one of each of `parts` blocks of the layer.
    """

    layer: nn.Module
    prune: Callable[..., Any]
    scores: tuple[float, ...]
    parts: int

    def indices(self, chosen: Sequence[int]) -> list[int]:
        """Return the layer's channels that the chosen positions of `scores` stand for."""
        return sorted(p * len(self.scores) + at for p in range(self.parts) for at in chosen)


#: Importance by name of the option; `bn` falls back on `l1` where a group has no normalisation.
_SCORERS: Mapping[str, Callable[[], Any]] = {
    "l1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
    "l2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
    "bn": lambda: tp.importance.BNScaleImportance(),
    "taylor": lambda: tp.importance.GroupTaylorImportance(),
    "lamp": lambda: tp.importance.LAMPImportance(),
    "random": lambda: tp.importance.RandomImportance(),
}


def score_groups(
    net: nn.Module, graph: Any, heads: Sequence[nn.Module], importance: str
) -> list[Channels]:
    """Return all groups of torch-pruning's dependency graph, scored, in the network's order.

    Importance `taylor` needs gradients at the weights.
    """
    scorer, fallback = _SCORERS[importance](), _SCORERS["l1"]()
    order = {module: index for index, module in enumerate(net.modules())}
    groups = list(graph.get_all_groups(ignored_layers=list(heads)))
    found = []
    for group in sorted(groups, key=lambda one: order[one[0].dep.target.module]):
        scores = scorer(group)
        if scores is None:
            scores = fallback(group)
        values = np.nan_to_num(scores.detach().double().numpy())  # all zero: nothing to tell apart
        parts = _parts(group, graph)
        layer, prune = group[0].dep.target.module, group[0].dep.handler
        means = values.reshape(parts, -1).mean(axis=0)
        found.append(Channels(layer, prune, tuple(means.tolist()), parts))
    return found


def _parts(group: Any, graph: Any) -> int:
    """Return into how many blocks grouped convolutions or normalisations cut the channels."""
    parts = 1
    for dep, _ in group:
        module = dep.target.module
        if isinstance(module, nn.modules.conv._ConvNd) and module.groups == module.out_channels:
            continue  # depthwise: its channels go one by one
        pruner = graph.get_pruner_of_module(module)
        out = graph.is_out_channel_pruning_fn(dep.handler)
        get = pruner.get_out_channel_groups if out else pruner.get_in_channel_groups
        parts = max(parts, int(get(module)))
    return parts


def choose(
    groups: Sequence[Channels], initial: Sequence[int], share: float, scope: str
) -> list[list[int]]:
    """Return for each group the positions to prune, so that `share` of `initial` stays.

    `initial` are the groups' sizes before any pruning. Scope `local` keeps the share in every
    group, `global` in all groups together, by one ranking; both keep the best of each group. What
    a smaller share keeps, a larger one keeps, too.
    """
    ranked = [np.argsort(group.scores, kind="stable") for group in groups]
    if scope == "local":
        return [
            order[: max(0, len(order) - max(1, _rounded(share * size)))].tolist()
            for order, size in zip(ranked, initial, strict=True)
        ]
    left = sum(len(order) for order in ranked)
    excess = max(0, left - _rounded(share * sum(initial)))
    candidates = sorted(
        (groups[index].scores[at], index, int(at))
        for index, order in enumerate(ranked)
        for at in order[:-1]
    )
    chosen: list[list[int]] = [[] for _ in groups]
    for _, index, at in candidates[:excess]:
        chosen[index].append(at)
    return chosen


def _rounded(value: float) -> int:
    return int(value + 0.5)


def set_gradients(net: nn.Module, cases: Cases, model_module: Trainable) -> None:
    """Leave at the weights the gradient of the mean loss over `cases`."""
    net.eval()
    net.zero_grad()
    batch = model_module.BATCH
    (inputs,) = cases.inputs.values()
    with reproducible(0, threads_for(net, torch.from_numpy(inputs), batch)):
        for images, labels in batches_of(cases, batch):
            loss: Tensor = model_module.loss(net(images), labels) * len(images) / len(cases.ids)
            torch.autograd.backward(loss)
