"""What can be trained on cardiac slices: a U-Net and a DeepLabV3, their loss and augmentation.

Both read (N, 1, H, W) and return logits (N, 4, H, W): background, right ventricle, muscle, left
ventricle. They are larger than the task needs, which is what sculpting takes away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

CLASSES = 4
#: Names in the ONNX files.
INPUT, OUTPUT = "image", "logits"
#: The peak of the schedule, and cases a step.
LEARNING_RATE, BATCH = 4e-3, 16
#: How far a slice is turned (radians), resized (logarithm) and moved (share of its width).
_TURN, _ZOOM, _SHIFT = 0.3, 0.12, 0.06


class Convolution(nn.Sequential):
    """A convolution, normalised and rectified."""

    def __init__(
        self, narrow: int, wide: int, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.Conv2d(narrow, wide, kernel, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
        )


class CardiacUNet(nn.Module):
    """The U-Net of Ronneberger et al. (2015), padded, with batch norms and free growth.

    Level k has `width * growth ** k` channels, of `depth` levels; H and W are multiples of
    2 ** (depth - 1). With growth above 2 nearly all parameters lie in the lowest level, where they
    cost little time. Maps are narrowed before they are enlarged.
    """

    heads = ("head",)

    def __init__(self, width: int = 16, depth: int = 4, growth: float = 2.0) -> None:
        super().__init__()
        widths = [round(width * growth**level) for level in range(depth)]
        pairs = list(itertools.pairwise(widths))
        self.first = nn.Sequential(Convolution(1, widths[0]), Convolution(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(Convolution(a, b), Convolution(b, b)) for a, b in pairs
        )
        self.narrow = nn.ModuleList(Convolution(b, a, kernel=1) for a, b in reversed(pairs))
        self.join = nn.ModuleList(
            nn.Sequential(Convolution(2 * a, a), Convolution(a, a)) for a, _ in reversed(pairs)
        )
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[0], CLASSES, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        maps = [self.first(image)]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        found = maps.pop()
        for narrow, join in zip(self.narrow, self.join, strict=True):
            larger = functional.interpolate(narrow(found), scale_factor=2.0, mode="nearest")
            found = join(torch.cat([maps.pop(), larger], dim=1))
        logits: torch.Tensor = self.head(found)
        return logits


class Bottleneck(nn.Module):
    """The residual block of ResNet-50: narrowed, convolved, widened, added to a shortcut."""

    def __init__(self, narrow: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        wide = 4 * width
        self.body = nn.Sequential(
            Convolution(narrow, width, kernel=1),
            Convolution(width, width, stride=stride, dilation=dilation),
            nn.Conv2d(width, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
        )
        self.shortcut = (
            nn.Identity()
            if narrow == wide and stride == 1
            else nn.Sequential(nn.Conv2d(narrow, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's map."""
        return torch.relu(self.shortcut(x) + self.body(x))


class DeepLab(nn.Module):
    """DeepLabV3 on ResNet-50 (He et al. 2016, Chen et al. 2017): 39 M parameters at width 64.

    Maps are an eighth of the image; H and W are multiples of 8. Made for slices of 64 to 128
    pixels, so the pyramid has dilations of 1 to 6 and no branch for the image as a whole.
    """

    heads = ("head",)

    def __init__(
        self, width: int = 64, blocks: tuple[int, ...] = (3, 4, 6, 3), pyramid: int = 256
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(Convolution(1, width, 7, stride=2), nn.MaxPool2d(3, 2, 1))
        layers: list[nn.Module] = []
        narrow = width
        strides, dilations = (1, 2, 1, 1), (1, 1, 2, 4)
        for level, count in enumerate(blocks):
            for index in range(count):
                stride = strides[level] if index == 0 else 1
                layers.append(Bottleneck(narrow, width << level, stride, dilations[level]))
                narrow = 4 * (width << level)
        self.body = nn.Sequential(*layers)
        self.pyramid = nn.ModuleList(
            [
                Convolution(narrow, pyramid, kernel=1),
                *(Convolution(narrow, pyramid, dilation=rate) for rate in (2, 4, 6)),
            ]
        )
        self.project = nn.Sequential(
            Convolution(4 * pyramid, pyramid, kernel=1), Convolution(pyramid, pyramid)
        )
        self.head = nn.Conv2d(pyramid, CLASSES, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits, enlarged eight times."""
        maps = self.body(self.stem(image))
        found = self.project(torch.cat([branch(maps) for branch in self.pyramid], dim=1))
        return functional.interpolate(
            self.head(found), scale_factor=8.0, mode="bilinear", align_corners=False
        )


NETS: Mapping[str, Callable[..., nn.Module]] = {"unet": CardiacUNet, "deeplab": DeepLab}


def loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return cross-entropy plus one minus the soft Dice of the three structures: a scalar.

    `outputs` are logits (N, 4, H, W), `labels` (N, H, W) as `benchhub.tasks.cardiac.metric` encodes
    them. Dice is pooled over the batch (Milletari et al. 2016, without the squares).
    """
    truth = labels.long() % CLASSES
    entropy = functional.cross_entropy(outputs, truth)
    shares = outputs.softmax(dim=1)[:, 1:]
    wanted = functional.one_hot(truth, CLASSES).permute(0, 3, 1, 2)[:, 1:].to(shares.dtype)
    both = (shares * wanted).sum(dim=(0, 2, 3))
    total = shares.sum(dim=(0, 2, 3)) + wanted.sum(dim=(0, 2, 3))
    return entropy + 1 - ((2 * both + 1) / (total + 1)).mean()


def augment(
    images: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return slices turned, resized, moved and in another contrast, each in its own way.

    Never mirrored: the right ventricle lies on one side. Labels take the nearest pixel; what comes
    from outside is background, and its label is 0.
    """
    count = len(images)
    turn, zoom = rng.uniform(-_TURN, _TURN, count), np.exp(rng.uniform(-_ZOOM, _ZOOM, count))
    move = rng.uniform(-2 * _SHIFT, 2 * _SHIFT, (2, count))
    cos, sin = np.cos(turn) / zoom, np.sin(turn) / zoom
    matrix = np.stack([np.stack([cos, -sin, move[0]], 1), np.stack([sin, cos, move[1]], 1)], 1)
    grid = functional.affine_grid(
        torch.from_numpy(matrix.astype(np.float32)), list(images.shape), align_corners=False
    )
    moved = functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
    told = functional.grid_sample(
        labels[:, None].float(), grid, mode="nearest", align_corners=False
    )
    gain, offset = rng.uniform(0.85, 1.15, count), rng.uniform(-0.15, 0.15, count)
    scale = torch.from_numpy(np.stack([gain, offset]).astype(np.float32))[:, :, None, None, None]
    return moved * scale[0] + scale[1], told[:, 0].round().to(labels.dtype)
