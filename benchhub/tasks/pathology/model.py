"""A light relative of HoVer-Net: one U-Net says nucleus or not, how far to its centre, which type.

After S. Graham et al., HoVer-Net, Medical Image Analysis 58 (2019), whose three decoders are one
here. Input `image` (N, 3, H, W), H and W multiples of 8; output `maps` (N, 10, H, W): two logits
(ground, nucleus), the horizontal and vertical distance to the nucleus's middle from -1 at its left
or upper end to 1, six logits of types (ground, then `names.TYPES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchhub.tasks.pathology.names import TYPES

INPUT, OUTPUT = "image", "maps"
LEARNING_RATE = 3e-3
BATCH = 8

#: What a pixel of ground and of each type weighs when types are learned: rare types would drown.
_SHARES = (0.3, 1.0, 2.0, 3.0, 4.0, 1.3)

#: Planes of the output: nucleus logits, distances, type logits.
NUCLEUS, DISTANCES, KINDS = slice(0, 2), slice(2, 4), slice(4, 5 + len(TYPES))


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


class PathologyUNet(nn.Module):
    """Down three times, up three times, each level joined with its equal."""

    heads = ("head",)

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        # the deepest levels grow slower than in the original: nuclei are small
        widths = [width, 2 * width, 4 * width, 6 * width]
        self.down = nn.ModuleList(
            Double(a, b) for a, b in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            Double(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, KINDS.stop, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the ten maps."""
        levels = [self.down[0](image)]
        for down in self.down[1:]:
            levels.append(down(self.pool(levels[-1])))
        found = levels.pop()
        for up in self.up:
            larger = functional.interpolate(found, scale_factor=2.0, mode="nearest")
            found = up(torch.cat([levels.pop(), larger], dim=1))
        maps: Tensor = self.head(found)
        return maps


NETS: Mapping[str, Callable[..., nn.Module]] = {"unet": PathologyUNet}


def loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over the batch of what nucleus, distances and type miss the labels by.

    `labels` (N, 3, H, W): numbers of nuclei, types, tissue (not learned).
    """
    numbers, kinds = labels[:, 0].long(), labels[:, 1].long()
    inside = numbers > 0
    nucleus = functional.cross_entropy(outputs[:, NUCLEUS], inside.long())
    wanted = distance_maps(numbers)
    apart = ((outputs[:, DISTANCES] - wanted) ** 2).sum(dim=1)
    # mostly within nuclei: what the maps hold outside is never looked at, but should not wander
    distance = (apart * inside).sum() / inside.sum().clamp(min=1) + 0.1 * (apart * ~inside).mean()
    share = torch.tensor(_SHARES, device=outputs.device)
    kind = functional.cross_entropy(outputs[:, KINDS], kinds, share, label_smoothing=0.02)
    return nucleus + 2 * distance + kind


def distance_maps(numbers: Tensor) -> Tensor:
    """Return how far each pixel lies from its nucleus's middle, (N, 2, H, W), -1 to 1; 0 outside.

    Each side of a nucleus is scaled by its own extent, so the map jumps by two where nuclei touch.
    """
    count, height, width = numbers.shape
    most = int(numbers.max()) + 1 if numbers.numel() else 1
    batch = torch.arange(count, device=numbers.device)[:, None, None]
    flat = (numbers + batch * most).reshape(-1)
    area = torch.bincount(flat, minlength=count * most).clamp(min=1)
    found = []
    for along, length in ((-1, width), (-2, height)):
        steps = torch.arange(length, device=numbers.device, dtype=torch.float32)
        place = steps if along == -1 else steps[:, None]
        place = place.expand(count, height, width).reshape(-1)
        middle = torch.zeros(count * most).index_add_(0, flat, place) / area
        away = place - middle[flat]
        reach = [
            torch.zeros(count * most).scatter_reduce_(0, flat, sign * away, "amax")
            for sign in (-1, 1)
        ]
        scale = torch.where(away < 0, reach[0][flat], reach[1][flat])
        found.append((away / scale.clamp(min=0.5)).reshape(count, height, width))
    return torch.stack(found, dim=1) * (numbers > 0)[:, None]


def augment(images: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return the batch turned and mirrored, all its images alike, each in a stain of its own."""
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    images, labels = (torch.rot90(x, turns, (2, 3)) for x in (images, labels))
    if mirrored:
        images, labels = images.flip(3), labels.flip(3)
    gain = torch.from_numpy(rng.normal(1.0, 0.06, (len(images), 3, 1, 1)).astype(np.float32))
    shift = torch.from_numpy(rng.normal(0.0, 0.08, (len(images), 3, 1, 1)).astype(np.float32))
    return images * gain + shift, labels
