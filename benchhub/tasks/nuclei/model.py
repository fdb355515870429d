"""What can be trained on nuclei: the two-branch network, its loss and augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from benchhub.tasks.nuclei.distance import STEPS
from benchhub.tasks.nuclei.net import Dual

NETS: Mapping[str, Callable[..., nn.Module]] = {"dual": Dual}
#: Names in the ONNX files.
INPUT, OUTPUT = "image", "maps"
#: The peak of the schedule, and cases a step.
LEARNING_RATE, BATCH = 6e-3, 16


def loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return cross-entropy and Dice loss of the mask plus the squared error of distance: a scalar.

    `outputs` are (N, 2, H, W), logit and distance; `labels` (N, H, W), bytes as `distance.targets`
    makes them: 0 background, else 255 times the distance.
    """
    distance = labels.to(outputs.dtype) / STEPS
    mask = (labels > 0).to(outputs.dtype)
    logit = outputs[:, 0]
    found = torch.sigmoid(logit)
    shared = (found * mask).sum(dim=(1, 2))
    sizes = found.sum(dim=(1, 2)) + mask.sum(dim=(1, 2))
    overlap = (2 * shared + 1) / (sizes + 1)
    crossed = binary_cross_entropy_with_logits(logit, mask)
    return crossed + (1 - overlap).mean() + mse_loss(outputs[:, 1], distance)


def augment(images: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return a batch mirrored and turned by quarters, all of it alike: tissue has no upside."""
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    axes = (images.ndim - 2, images.ndim - 1), (labels.ndim - 2, labels.ndim - 1)
    if mirrored:
        images, labels = torch.flip(images, axes[0][1:]), torch.flip(labels, axes[1][1:])
    if images.shape[-1] != images.shape[-2]:
        turns = 2 * (turns % 2)  # a quarter turn would change the shape
    return torch.rot90(images, turns, axes[0]), torch.rot90(labels, turns, axes[1])
