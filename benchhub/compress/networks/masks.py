"""Which weights magnitude pruning keeps: the largest of each layer, or of all layers together.

Magnitude pruning: Han et al., "Learning both Weights and Connections", NeurIPS 2015; one threshold
for the whole network against one a layer: Blalock et al., "What is the State of Neural Network
Pruning?", MLSys 2020. The compression ratio is theirs, too: weights before over weights left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array

Masks = Mapping[str, NDArray[np.bool_]]

SCOPES = ("layer", "network")


def choose_masks(
    weights: Mapping[str, Array], compression: float, scope: str, keep: int = 1
) -> Masks:
    """Return for each layer which of its weights stay: True, in the weight's shape.

    Of n weights n / `compression` stay, rounded: of each layer (`scope` "layer"), or of all layers
    together ("network"). Every layer keeps its `keep` largest, or all if it has fewer. Of equal
    magnitudes the first stays, so that the same weights give the same masks. Weights that are zero
    already count among the n: pruning twice at 4 is 4, not 16. Raises ConfigError for a compression
    that leaves the layers fewer than `keep` weights each.
    """
    total = sum(weight.size for weight in weights.values())
    floor = {name: min(keep, weight.size) for name, weight in weights.items()}
    left = round(total / compression)
    if left < sum(floor.values()):
        most = total / max(1, sum(floor.values()))
        raise ConfigError(
            f"compression = {compression:g} leaves {left} of {total} weights for {len(weights)}"
            f" layers, and each keeps {keep}; ask for at most {np.floor(most * 10) / 10:g}"
        )
    # a layer's weights by falling magnitude; stable, so that ties go to the first
    order = {
        name: np.argsort(-np.abs(weight).ravel(), kind="stable") for name, weight in weights.items()
    }
    if scope == "network":
        counts = _network_counts(weights, order, floor, left)
    else:
        counts = {
            name: max(floor[name], round(weight.size / compression))
            for name, weight in weights.items()
        }
    masks: dict[str, NDArray[np.bool_]] = {}
    for name, weight in weights.items():
        mask = np.zeros(weight.size, bool)
        mask[order[name][: counts[name]]] = True
        masks[name] = mask.reshape(weight.shape)
    return masks


def _network_counts(
    weights: Mapping[str, Array],
    order: Mapping[str, NDArray[np.intp]],
    floor: Mapping[str, int],
    left: int,
) -> dict[str, int]:
    """Return how many weights each layer keeps when the largest of all layers stay."""
    names = list(weights)
    layers = np.repeat(np.arange(len(names)), [weights[n].size - floor[n] for n in names])
    beyond = np.concatenate(
        [np.abs(weights[name]).ravel()[order[name][floor[name] :]] for name in names]
    )
    chosen = layers[np.argsort(-beyond, kind="stable")[: left - sum(floor.values())]]
    more = np.bincount(chosen, minlength=len(names))
    return {name: floor[name] + int(count) for name, count in zip(names, more, strict=True)}


def apply(weight: Array, mask: NDArray[np.bool_]) -> Array:
    """Return the weight with zeros where the mask is False, none of them negative.

    Multiplying leaves -0.0, which equals 0 and has other bytes: a gzip of them is larger.
    """
    zero = weight.dtype.type(0)
    return np.asarray(np.where(mask, weight, zero) + zero, dtype=weight.dtype)


@dataclass(frozen=True, slots=True)
class Density:
    """What pruning left, by layer: nonzero weights and weights."""

    nonzero: Mapping[str, int]
    size: Mapping[str, int]

    @property
    def sparsity(self) -> float:
        """The share of the prunable weights that is zero."""
        return 1 - sum(self.nonzero.values()) / sum(self.size.values())

    @property
    def lowest(self) -> str:
        """The layer with the lowest share of nonzero weights; the first of equals."""
        return min(self.size, key=lambda name: self.nonzero[name] / self.size[name])

    @property
    def emptied(self) -> tuple[str, ...]:
        """The layers that have no nonzero weight left: what they compute is their bias."""
        return tuple(name for name, count in self.nonzero.items() if not count)

    def facts(self) -> dict[str, str]:
        """Return what a variant's provenance says about it."""
        total, left = sum(self.size.values()), sum(self.nonzero.values())
        lowest = self.lowest
        return {
            "prunable_weights": str(total),
            "prunable_nonzero": str(left),
            "prunable_layers": str(len(self.size)),
            "sparsity": f"{self.sparsity:.6f}",
            "achieved_compression": f"{total / left:.4f}" if left else "all weights are zero",
            "lowest_density": f"{self.nonzero[lowest] / self.size[lowest]:.6g}",
            "lowest_density_layer": lowest,
            "emptied_layers": ", ".join(self.emptied) or "none",
        }


def density(weights: Mapping[str, Array]) -> Density:
    """Count what is not zero."""
    return Density(
        nonzero={name: int(np.count_nonzero(weight)) for name, weight in weights.items()},
        size={name: int(weight.size) for name, weight in weights.items()},
    )
