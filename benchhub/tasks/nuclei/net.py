"""A small U-Net, and two of them side by side: one for the mask, one for the distance map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

#: Channels at full size, and after each of four halvings.
WIDTHS = (8, 16, 32, 48, 64)


class _Double(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, given: int, made: int) -> None:
        layers: list[nn.Module] = []
        for channels in (given, made):
            layers += [
                nn.Conv2d(channels, made, 3, padding=1, bias=False),
                nn.BatchNorm2d(made),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class Branch(nn.Module):
    """A U-Net of one output map, logits or distances: (N, 3, H, W) -> (N, 1, H, W).

    `widths` are the channels at full size and after each halving; with four halvings H and W must
    be multiples of 16.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(_Double(given, made) for given, made in pairwise([3, *widths]))
        self.up = nn.ModuleList(_Double(low + high, low) for low, high in pairwise(widths))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the branch's map."""
        kept: list[Tensor] = []
        x = image
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            kept.append(x)
        for level in reversed(range(len(self.up))):
            x = interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up[level](torch.cat([kept[level], x], dim=1))
        mapped: Tensor = self.head(x)
        return mapped


class Dual(nn.Module):
    """Two branches that share nothing but the image: (N, 3, H, W) -> (N, 2, H, W).

    The first map is the logit of nucleus, from `semantic`, the second the distance, from
    `distance`. As they share no weights, either can be compressed by itself.
    """

    heads = ("semantic.head", "distance.head")

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.semantic = Branch(widths)
        self.distance = Branch(widths)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits and distances."""
        return torch.cat([self.semantic(image), self.distance(image)], dim=1)
