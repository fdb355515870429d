"""What can be trained on chest radiographs: two small classifiers, their loss and augmentation.

The residual one is the quickstart's. The dense one follows Huang et al., CVPR 2017 (arXiv
1608.06993): every layer sees all that the layers before it in its block made, concatenated.
Convolutions come before their batch norm, so that an inference runtime can fold one into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.fusion import fuse_conv_bn_eval

#: Names in the ONNX files.
INPUT, OUTPUT = "image", "logits"
#: The peak of the schedule, and cases a step.
LEARNING_RATE, BATCH = 4e-3, 32
#: An image is moved by at most so many pixels each way.
SHIFT = 3


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x plus its residual, rectified."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


class Down(nn.Module):
    """A 3x3 convolution that halves the resolution."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(narrow, wide, 3, stride=2, padding=1)
        self.norm1 = nn.BatchNorm2d(wide)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the narrower, deeper map."""
        return torch.relu(self.norm1(self.conv1(x)))


class Classifier(nn.Module):
    """A small residual network: (N, 1, size, size) to (N, labels) logits.

    `width` is the number of channels of the first stage, which the next two double; `size`, in
    pixels, is a multiple of 16.
    """

    heads = ("head",)

    def __init__(self, labels: int = 14, width: int = 24, size: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Down(1, width),
            ResidualBlock(width),
            Down(width, 2 * width),
            ResidualBlock(2 * width),
            Down(2 * width, 4 * width),
            ResidualBlock(4 * width),
        )
        # 2 x 2 quadrants rather than one mean: findings have their places
        self.pool = nn.AvgPool2d(size // 16)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(4 * width * 4, labels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.head(self.drop(self.pool(self.body(x)).flatten(1)))
        return logits

    def fold(self) -> None:
        """Fold every batch norm into the convolution before it; for inference only."""
        for module in self.body:
            for index in (1, 2):
                if hasattr(module, f"conv{index}"):
                    conv = getattr(module, f"conv{index}")
                    fused = fuse_conv_bn_eval(conv, getattr(module, f"norm{index}"))
                    setattr(module, f"conv{index}", fused)
                    setattr(module, f"norm{index}", nn.Identity())


class Unit(nn.Sequential):
    """A convolution, its batch norm, a rectifier."""

    def __init__(self, narrow: int, wide: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(narrow, wide, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
        )


class Layer(nn.Module):
    """A 1x1 bottleneck and a 3x3 convolution, whose `growth` channels join the input's."""

    def __init__(self, narrow: int, growth: int) -> None:
        super().__init__()
        self.squeeze, self.grow = Unit(narrow, 2 * growth, 1), Unit(2 * growth, growth, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x with the new channels behind it."""
        return torch.cat([x, self.grow(self.squeeze(x))], dim=1)


class DenseClassifier(nn.Module):
    """A small DenseNet: (N, 1, size, size) to (N, labels) logits.

    `width` is the growth of the first block, that of the next two is 1.5 and 2 times as large;
    `layers` are those of each block; `size`, in pixels, is a multiple of 16.
    """

    heads = ("head",)

    def __init__(
        self, labels: int = 14, width: int = 16, layers: Sequence[int] = (2, 4, 6), size: int = 64
    ) -> None:
        super().__init__()
        channels = 2 * width
        parts: list[nn.Module] = [Unit(1, channels, 3, stride=2)]
        for index, count in enumerate(layers):
            if index:  # a transition halves channels and resolution
                parts += [Unit(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
            growth = width * (2 + index) // 2
            for _ in range(count):
                parts.append(Layer(channels, growth))
                channels += growth
        self.body = nn.Sequential(*parts)
        self.pool = nn.AvgPool2d(size // 2 ** (len(layers) + 1))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(channels * 4, labels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.head(self.drop(self.pool(self.body(x)).flatten(1)))
        return logits


NETS: Mapping[str, Callable[..., nn.Module]] = {"residual": Classifier, "dense": DenseClassifier}


def loss(
    outputs: torch.Tensor, labels: torch.Tensor, positive_weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the binary cross-entropy of logits, the mean over cases and labels: a scalar.

    `outputs` and `labels` are (N, labels). `positive_weights`, (labels,), says how many times a
    positive of each label counts; None: once.
    """
    truth = labels.to(outputs.dtype)
    return binary_cross_entropy_with_logits(outputs, truth, pos_weight=positive_weights)


def augment(
    images: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch moved by a few pixels, all its images alike, and its labels as they are.

    `images` are (N, 1, height, width); what leaves on one side comes back on the other.
    """
    down, right = rng.integers(-SHIFT, SHIFT + 1, 2)
    return torch.roll(images, (int(down), int(right)), (2, 3)), labels
