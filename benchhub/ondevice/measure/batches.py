"""Cases from memory-mapped blobs, cut into batches of a fixed size."""

from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from benchhub.ondevice.backends import TensorInfo


class Batches:
    """Batches of consecutive cases; the last wraps around to the first case.

    `files` maps input names to `.npy` paths whose first axis runs over cases; only the batches
    asked for are read.
    """

    def __init__(self, files: Mapping[str, str], inputs: Sequence[TensorInfo], batch: int) -> None:
        wanted = [tensor.name for tensor in inputs]
        if sorted(wanted) != sorted(files):
            raise ValueError(
                "the model takes inputs %s, the job has %s"
                % (", ".join(wanted) or "none", ", ".join(sorted(files)) or "none")
            )
        self.batch = batch
        self.cases: Optional[int] = None
        self._inputs = inputs
        self._arrays: Dict[str, Any] = {}
        for tensor in inputs:
            array = np.load(files[tensor.name], mmap_mode="r", allow_pickle=False)
            _check(tensor, array, batch)
            if self.cases not in (None, len(array)):
                raise ValueError("inputs hold %s and %d cases" % (self.cases, len(array)))
            self.cases = len(array)
            self._arrays[tensor.name] = array

    def feeds(self, index: int) -> Dict[str, Any]:
        """Return batch `index` as contiguous arrays in memory, in the dtypes of the model."""
        feeds = {}
        for tensor in self._inputs:
            array = self._arrays[tensor.name]
            rows = np.arange(index * self.batch, (index + 1) * self.batch) % len(array)
            feeds[tensor.name] = np.ascontiguousarray(array[rows], dtype=tensor.dtype)
        return feeds

    def sizes(self, cases: int) -> List[int]:
        """Return how many cases each batch adds when the first `cases` (-1: all) are run."""
        total = self.cases or 0
        wanted = total if cases < 0 else min(cases, total)
        return [min(self.batch, wanted - start) for start in range(0, wanted, self.batch)]


def _check(tensor: TensorInfo, array: Any, batch: int) -> None:
    if array.ndim == 0 or len(array) == 0:
        raise ValueError("input %s holds no cases" % tensor.name)
    found = (batch, *array.shape[1:])
    if len(found) != len(tensor.shape) or any(
        want is not None and want != have for want, have in zip(tensor.shape, found)
    ):
        raise ValueError(
            "input %s is declared as %s; a batch of the cases is %s"
            % (tensor.name, shape_text(tensor.shape), shape_text(found))
        )
    wanted = np.dtype(tensor.dtype)
    if array.dtype != wanted and (array.dtype.kind, wanted.kind) != ("f", "f"):
        raise ValueError(
            "input %s is declared as %s; the cases are %s" % (tensor.name, wanted, array.dtype)
        )


def shape_text(shape: Sequence[Optional[int]]) -> str:
    """Return a shape for a message, open dimensions as `?`."""
    return "x".join("?" if size is None else str(size) for size in shape) or "a scalar"
