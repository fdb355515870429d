"""PyTorch on the CPU: the callables of a session share one module.

How many threads a call may use is a setting of the thread that makes it: in a new one, OpenMP,
and oneDNN with it, would take every core.
"""

from threading import get_ident
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np
import torch

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.backends.torch.compute import Compute, attributed, explained


class CpuSession:
    """A module on the CPU; inputs are read where they lie, outputs are not copied."""

    provider: Optional[str] = "cpu"
    reads_feeds = True

    def __init__(
        self,
        compute: Compute,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        precision: str,
        details: Dict[str, Any],
    ) -> None:
        self._compute = compute
        self.inputs, self.outputs = inputs, outputs
        self.precision: Optional[str] = precision
        self.details: Mapping[str, Any] = details
        self._threads = torch.get_num_threads()

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call on tensors that share memory with `feeds`."""
        tensors = [torch.from_numpy(feeds[tensor.name]) for tensor in self.inputs]
        compute, inference = self._compute, torch.inference_mode
        use_threads, threads, this_thread = torch.set_num_threads, self._threads, get_ident
        told: Optional[int] = None

        def call() -> Any:
            nonlocal told
            try:
                if told != this_thread():
                    use_threads(threads)  # not every time: it empties oneDNN's cache of kernels
                    told = this_thread()
                with inference():  # a thread's own mode, so it cannot be entered beforehand
                    return [tensor.numpy() for tensor in compute(tensors)]
            except (RuntimeError, MemoryError) as error:
                known = explained(error, "cpu")
                if known is None:
                    raise
                raise known from error

        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return copies of the outputs for `feeds`."""
        with attributed("cpu"):
            return [np.array(array) for array in self.bind(feeds)()]
