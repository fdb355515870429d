"""Fits a network to training cases so that it can be interrupted and done again, bit for bit.

The same network, cases and seed give the same weights on the same machine: torch's deterministic
algorithms, the same number of threads whatever the machine has (sums depend on it), and random
numbers that depend on the seed and the epoch alone. A checkpoint is written after each epoch.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchhub.compress.networks.checkpoint import Checkpoint
from benchhub.compress.recipes.reproducible import THREADS, reproducible, threads_for
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.quality import Cases
from benchhub.tasks import Trainable

_WEIGHT_DECAY = 1e-4
#: Share of the steps in which the rate rises, and what it starts and ends at, as shares of the top.
_RISE, _START, _END = 0.3, 0.04, 1e-3


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """What a training did: the mean loss of each epoch, and what it was done with."""

    losses: tuple[float, ...]
    seconds: float
    cases: int
    batch: int
    learning_rate: float
    seed: int

    def facts(self, prefix: str = "") -> dict[str, str]:
        """Return it in short, as facts for a provenance."""
        if not self.losses:
            return {f"{prefix}epochs": "0"}
        return {
            f"{prefix}epochs": str(len(self.losses)),
            f"{prefix}first_loss": f"{self.losses[0]:.5g}",
            f"{prefix}last_loss": f"{self.losses[-1]:.5g}",
            f"{prefix}cases": str(self.cases),
            f"{prefix}learning_rate": f"{self.learning_rate:g}",
            f"{prefix}seconds": f"{self.seconds:.1f}",
        }


def write_logs(logs: dict[str, TrainingLog], path: Path) -> None:
    """Write the logs of a variant's trainings, by what they were for, as JSON."""
    text = json.dumps({name: asdict(log) for name, log in logs.items()}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def fit(
    net: nn.Module,
    cases: Cases,
    model_module: Trainable,
    *,
    epochs: int,
    seed: int,
    folder: Path,
    progress: Callable[[str], None],
    learning_rate: float | None = None,
    batch: int | None = None,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    after_step: Callable[[nn.Module], None] | None = None,
    most_threads: int = THREADS,
) -> TrainingLog:
    """Fit `net` in place with AdamW and a one-cycle rate, and leave it in evaluation mode.

    `penalty(net)` is added to the loss of each batch; `after_step(net)` is called after each step
    of the optimiser, to hold weights at zero. `folder` keeps the checkpoint: a training that was
    interrupted goes on after its last whole epoch, and ends with the weights that it would have
    had. Where other networks are fitted at the same time, `most_threads` is 1. Raises ConfigError
    when the loss is not finite any more.
    """
    rate = learning_rate or model_module.LEARNING_RATE
    batch = batch or model_module.BATCH
    images, labels = _tensors(cases)
    per_epoch = max(1, len(images) // batch) if len(images) >= batch else 1
    threads = threads_for(net, images, batch)
    layout = _layout(net, images, threads)
    threads = min(threads, most_threads)
    net.to(memory_format=layout)  # type: ignore[call-overload,unused-ignore]
    with reproducible(seed, threads):
        optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=_WEIGHT_DECAY)
        state = Checkpoint(folder / "checkpoint.pt")
        losses, spent_s = state.load(net, optimizer)
        for epoch in range(len(losses), epochs):
            began = time.perf_counter()
            torch.manual_seed(seed * 100_003 + epoch)
            rng = np.random.default_rng([seed, epoch])
            total = 0.0
            net.train()
            for step, rows in enumerate(np.array_split(rng.permutation(len(images)), per_epoch)):
                share = (epoch * per_epoch + step) / max(1, epochs * per_epoch - 1)
                for group in optimizer.param_groups:
                    group["lr"] = rate * one_cycle(share)
                x, y = model_module.augment(images[rows], labels[rows], rng)
                loss = model_module.loss(net(x.contiguous(memory_format=layout)), y)
                if penalty is not None:
                    loss = loss + penalty(net)
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise ConfigError(
                        f"training diverged in epoch {epoch + 1} of {epochs} (loss {value});"
                        f" lower learning_rate, now {rate:g}"
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
                optimizer.step()
                if after_step is not None:
                    after_step(net)
                total += value * len(rows)
            losses = (*losses, total / len(images))
            spent_s += time.perf_counter() - began
            state.save(net, optimizer, losses, spent_s)
            progress(f"training, epoch {epoch + 1} of {epochs}, loss {losses[-1]:.3g}")
    _check_finite(net, rate)
    net.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload,unused-ignore]
    return TrainingLog(losses, round(spent_s, 2), len(images), batch, rate, seed)


def _layout(net: nn.Module, images: Tensor, threads: int) -> torch.memory_format:
    """Return in which order maps lie: convolutions of some size are a fifth faster, channels last.

    With strides, 1x1 ones then write past the end of their weights' gradient (oneDNN in torch 2.13
    with AVX-512, up to 8 input channels): the process crashes, or computes on.
    """
    strided = any(
        isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.stride != (1, 1)
        for module in net.modules()
    )
    if threads > 1 and images.dim() == 4 and not strided:
        return torch.channels_last
    return torch.contiguous_format


def one_cycle(share: float) -> float:
    """Return the rate at a share (0 to 1) of the training, as a share of its top.

    Up and down along cosines, as in Smith and Topin, 2018.
    """
    if share < _RISE:
        return _cosine(_START, 1.0, share / _RISE)
    return _cosine(1.0, _END, (share - _RISE) / (1 - _RISE))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def recalibrate(net: nn.Module, cases: Cases, batches: int, batch: int = 32) -> None:
    """Renew the statistics of all batch normalisations from the first cases; weights stay."""
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    images, _ = _tensors(cases)
    if not norms or not batches or len(images) < 2:
        return
    momenta = [norm.momentum for norm in norms]
    net.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
        norm.train()
    with reproducible(0, threads_for(net, images, batch)), torch.no_grad():
        rows = np.arange(min(len(images), batches * batch))
        for chosen in np.array_split(rows, max(1, min(batches, len(rows) // 2))):
            net(images[chosen])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.eval()


def bn_l1(strength: float) -> Callable[[nn.Module], Tensor] | None:
    """Return the penalty of network slimming: `strength` times the L1 norm of all BN scales.

    Liu et al., 2017. None for a strength of 0.
    """
    if not strength:
        return None

    def penalty(net: nn.Module) -> Tensor:
        scales = [
            module.weight.abs().sum()
            for module in net.modules()
            if isinstance(module, _BatchNorm) and module.affine
        ]
        return strength * torch.stack(scales).sum() if scales else torch.zeros(())

    return penalty


def batches_of(cases: Cases, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all cases in order, `batch` at a time, as inputs and labels."""
    images, labels = _tensors(cases)
    for start in range(0, len(images), batch):
        yield images[start : start + batch], labels[start : start + batch]


def _tensors(cases: Cases) -> tuple[Tensor, Tensor]:
    if len(cases.inputs) != 1:
        raise ConfigError(
            f"training wants one input, not {len(cases.inputs)} ({', '.join(cases.inputs)})"
        )
    (images,) = cases.inputs.values()
    if not len(images):
        raise ConfigError("training has no cases; raise `cases`")
    return _tensor(images), _tensor(cases.labels)


def _tensor(array: Array) -> Tensor:
    array = np.ascontiguousarray(array)
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # torch computes with no other unsigned integers
    return torch.from_numpy(array)


def _check_finite(net: nn.Module, rate: float) -> None:
    for name, value in net.state_dict().items():
        if not torch.isfinite(value).all():
            raise ConfigError(
                f"training diverged: {name} is not finite; lower learning_rate, now {rate:g}"
            )
