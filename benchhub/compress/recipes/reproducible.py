"""What makes torch's work depend on nothing but its inputs, on one machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

#: Threads that training takes, on any machine; one where a batch is so little work (weights times
#: input values) that sharing it costs more than it saves.
THREADS, _LITTLE_WORK = 2, 1_000_000_000


def threads_for(net: nn.Module, inputs: Tensor, batch: int) -> int:
    """Return how many threads fitting `net` takes, which does not depend on the machine."""
    weights = sum(weight.numel() for weight in net.parameters())
    return THREADS if batch * inputs[:1].numel() * weights > _LITTLE_WORK else 1


@contextlib.contextmanager
def reproducible(seed: int, threads: int = THREADS) -> Iterator[None]:
    """Make what torch does inside depend on nothing but its inputs, `seed` and `threads`."""
    before, was = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        # Nothing here reads memory that was not written; filling it takes a tenth of the time.
        memory.fill_uninitialized_memory = False
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was)
            memory.fill_uninitialized_memory = filled
            torch.set_num_threads(before)
