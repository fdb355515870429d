"""ResNet18 of any width, for patches of tissue: (N, 3, H, W) to nine logits.

K. He et al., Deep Residual Learning for Image Recognition, CVPR 2016. Width 64 has 11.2 M
parameters; small patches need less of a stem (`stem = 2`: no pooling after the first convolution).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchhub.tasks.tissue.layout import CLASSES

INPUT, OUTPUT = "image", "logits"
LEARNING_RATE = 2e-3
BATCH = 16


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, which is a 1x1 convolution where shapes differ."""

    def __init__(self, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(narrow, wide, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.shortcut = (
            nn.Identity()
            if narrow == wide and stride == 1
            else nn.Sequential(nn.Conv2d(narrow, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the shortcut plus the residual, rectified."""
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.shortcut(x) + self.norm2(self.conv2(y)))


class ResNet18(nn.Module):
    """Four stages of two blocks. `stem` 4 shrinks fourfold before them, as published; 2 twofold."""

    heads = ("head",)

    def __init__(self, width: int = 64, stem: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1) if stem == 4 else nn.Identity()
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.body = nn.Sequential(
            *(
                BasicBlock(narrow if first else wide, wide, 2 if first and stage else 1)
                for stage, (narrow, wide) in enumerate(itertools.pairwise(widths))
                for first in (True, False)
            )
        )
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8 * width, len(CLASSES))

    def forward(self, image: Tensor) -> Tensor:
        """Return a logit of each class."""
        found = self.body(self.pool(functional.relu(self.norm(self.conv(image)))))
        logits: Tensor = self.head(self.mean(found).flatten(1))
        return logits


NETS: Mapping[str, Callable[..., nn.Module]] = {"resnet18": ResNet18}


def loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy over the batch; `labels` (N,) are classes."""
    return functional.cross_entropy(outputs, labels.long(), label_smoothing=0.05)


def augment(images: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return the batch turned and mirrored, all its images alike, each in a stain of its own."""
    images = torch.rot90(images, int(rng.integers(4)), (2, 3))
    if rng.integers(2):
        images = images.flip(3)
    gain = torch.from_numpy(rng.normal(1.0, 0.05, (len(images), 3, 1, 1)).astype(np.float32))
    shift = torch.from_numpy(rng.normal(0.0, 0.05, (len(images), 3, 1, 1)).astype(np.float32))
    return images * gain + shift, labels
