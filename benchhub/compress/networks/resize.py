"""Makes the layers of a freshly built network as wide as stored weights are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from benchhub.errors import ConfigError


def resize(
    net: nn.Module, state: Mapping[str, Tensor], groups: Mapping[str, int], path: Path
) -> None:
    """Change the sizes of `net`'s layers to those in `state`; `groups` are of convolutions.

    Both by name of the weight. Raises ConfigError for a layer that cannot be resized.
    """
    for name, layer in net.named_modules():
        prefix = f"{name}." if name else ""
        own = {key: state[prefix + key] for key in _tensors(layer) if prefix + key in state}
        if all(_tensors(layer)[key].shape == value.shape for key, value in own.items()):
            if isinstance(layer, _ConvNd) and groups.get(f"{prefix}weight", layer.groups) != (
                layer.groups
            ):
                layer.groups = groups[f"{prefix}weight"]
            continue
        _set_sizes(layer, own["weight"], groups.get(f"{prefix}weight", 1), f"{path}: {name}")
        for key, value in own.items():
            if key in layer._parameters:
                layer._parameters[key] = nn.Parameter(value.clone())
            else:
                layer._buffers[key] = value.clone()


def _tensors(layer: nn.Module) -> dict[str, Tensor]:
    """Return a layer's own parameters and buffers that have sizes."""
    both = {**layer._parameters, **layer._buffers}
    return {key: value for key, value in both.items() if value is not None and value.dim()}


def _set_sizes(layer: nn.Module, weight: Tensor, groups: int, where: str) -> None:
    if isinstance(layer, _ConvTransposeNd):
        layer.in_channels, layer.out_channels = weight.shape[0], weight.shape[1] * groups
        layer.groups = groups
    elif isinstance(layer, _ConvNd):
        layer.out_channels, layer.in_channels = weight.shape[0], weight.shape[1] * groups
        layer.groups = groups
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = weight.shape
    elif isinstance(layer, _BatchNorm):
        layer.num_features = len(weight)
    elif isinstance(layer, nn.GroupNorm):
        layer.num_channels = len(weight)
    elif isinstance(layer, nn.PReLU):
        layer.num_parameters = len(weight)
    else:
        raise ConfigError(
            f"{where} is a {type(layer).__name__} of another size than the network's; only"
            " convolutions, Linear, BatchNorm, GroupNorm and PReLU layers can be resized"
        )
