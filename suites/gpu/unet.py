"""The U-Net of Ronneberger et al. (2015), padded and with batch norms: (N, 1, H, W) to logits.

Five levels of two 3x3 convolutions each, `width` channels at the first and twice as many at each
next. Width 64 has 31.0 M parameters, width 12 has 1.1 M. H and W are multiples of 16.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn

LEVELS = 5


class Double(nn.Sequential):
    """Two 3x3 convolutions, each normalised and rectified."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__(
            nn.Conv2d(narrow, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
        )


class UNet(nn.Module):
    """Down four times, up four times, each level joined with its equal."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width << level for level in range(LEVELS)]
        self.first = Double(1, width)
        self.down = nn.ModuleList(Double(a, b) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, stride=2)
            for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.join = nn.ModuleList(Double(2 * a, a) for a in widths[-2::-1])
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return one logit a pixel."""
        maps = [self.first(image)]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        found = maps.pop()
        for up, join in zip(self.up, self.join, strict=True):
            found = join(torch.cat([maps.pop(), up(found)], dim=1))
        return self.head(found)


def seeded(width: int, seed: int = 2015) -> UNet:
    """Return a U-Net with random weights, scaled so that every level keeps its signal."""
    torch.manual_seed(seed)
    model = UNet(width)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return model.eval()
