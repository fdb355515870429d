"""Networks of the task `blobs`: a U-Net, and one with every kind of layer that can be pruned."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

INPUT, OUTPUT = "image", "logits"
LEARNING_RATE, BATCH = 1e-2, 16

torch.set_num_threads(1)  # these networks are too small for more


def conv(narrow: int, wide: int, **more: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(narrow, wide, 3, padding=1, bias=False, **more), nn.BatchNorm2d(wide), nn.ReLU()
    )


class UNet(nn.Module):
    """Concatenated skips, transposed convolutions without normalisation."""

    heads = ("head",)

    def __init__(self, width: int = 8, depth: int = 3) -> None:
        super().__init__()
        if width < 1:
            raise ValueError("width must be at least 1")
        widths = [width << level for level in range(depth)]
        self.down = nn.ModuleList(
            nn.Sequential(conv(a, b), conv(b, b))
            for a, b in zip([1, *widths], widths, strict=False)
        )
        wide = widths[::-1]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in itertools.pairwise(wide)
        )
        self.join = nn.ModuleList(conv(2 * b, b) for b in wide[1:])
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for index, down in enumerate(self.down):
            x = down(functional.max_pool2d(x, 2) if index else x)
            maps.append(x)
        maps.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([maps.pop(), up(x)], dim=1))
        return self.head(x)


class Mixed(nn.Module):
    """Residual, depthwise, grouped, transposed; flattened pooled maps; two heads."""

    heads = ("left", "right")

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = conv(1, width)
        self.depthwise = conv(width, width, groups=width)
        self.grouped = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=2), nn.BatchNorm2d(width)
        )
        self.narrow = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.wide = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.norm = nn.BatchNorm2d(width)
        self.join = conv(2 * width, width)
        self.hidden = nn.Linear(2 * width * 4, 16)
        self.left, self.right = nn.Linear(16, 1), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = functional.relu(self.grouped(self.depthwise(x) + x))
        z = functional.relu(self.norm(self.wide(self.narrow(y))))
        z = functional.interpolate(z, scale_factor=2, mode="bilinear", align_corners=False)
        z = self.join(torch.cat([functional.avg_pool2d(z, 2), x], dim=1))
        pooled = functional.adaptive_avg_pool2d(torch.cat([z, x], dim=1), 2)
        hidden = functional.relu(self.hidden(torch.flatten(pooled, 1)))
        return torch.cat([self.left(hidden), self.right(hidden)], dim=1)


class Unnamed(UNet):
    """A U-Net that does not say what its head is."""

    heads = ()


NETS = {"unet": UNet, "mixed": Mixed, "unnamed": Unnamed}


def loss(outputs: Tensor, labels: Tensor) -> Tensor:
    if outputs.dim() == 2:
        outputs, labels = outputs[:, 0], labels[:, 16, 16]
    else:
        outputs = outputs[:, 0]
    return functional.binary_cross_entropy_with_logits(outputs, labels.float())


def augment(images: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    if rng.random() < 0.5:
        return images.flip(-1), labels.flip(-1)
    return images, labels
