"""Cases from memory-mapped blobs, cut into batches of a fixed size and arranged for the model."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.job import Form

_AS_THEY_ARE = Form()


class Batches:
    """Batches of consecutive cases; the last wraps around to the first case.

    `arrays` maps input names to arrays whose first axis runs over cases, unless `forms` says that
    one is the same for all; only the batches asked for are read. `fit` comes before `feeds`.
    """

    def __init__(
        self, arrays: Mapping[str, Any], batch: int, forms: Optional[Mapping[str, Form]] = None
    ) -> None:
        self.batch = batch
        self.cases: Optional[int] = None
        self._forms = dict(forms or {})
        self._dtypes: Dict[str, str] = {}
        self._arrays: Dict[str, Any] = {}
        for name, array in arrays.items():
            self._arrays[name] = array
            if self._form(name).whole:
                continue
            if array.ndim == 0 or len(array) == 0:
                raise ValueError("input %s holds no cases" % name)
            if self.cases not in (None, len(array)):
                raise ValueError("inputs hold %s and %d cases" % (self.cases, len(array)))
            self.cases = len(array)
        self.state = {name: form.fed_from for name, form in self._forms.items() if form.fed_from}

    @property
    def shapes(self) -> Dict[str, Tuple[int, ...]]:
        """The shape in which each input is fed, by name."""
        return {name: self._shape(name) for name in self._arrays}

    def fit(self, inputs: Sequence[TensorInfo]) -> None:
        """Take the inputs that the loaded model declares; ValueError if the cases do not fit."""
        wanted = [tensor.name for tensor in inputs]
        if sorted(wanted) != sorted(self._arrays):
            raise ValueError(
                "the model takes inputs %s, the job has %s"
                % (", ".join(wanted) or "none", ", ".join(sorted(self._arrays)) or "none")
            )
        for tensor in inputs:
            array = self._arrays[tensor.name]
            if self._form(tensor.name).whole and array.size == 1:  # one number, however it is kept
                self._arrays[tensor.name] = array.reshape((1,) * len(tensor.shape))
            _check(tensor, self._shape(tensor.name), self._arrays[tensor.name].dtype)
            self._dtypes[tensor.name] = tensor.dtype

    def feeds(self, index: int, order: Optional[Sequence[int]] = None) -> Dict[str, Any]:
        """Return batch `index` as contiguous arrays in memory, in the dtypes of the model.

        `order`: in which its cases come.
        """
        feeds = {}
        for name, dtype in self._dtypes.items():
            array, form = self._arrays[name], self._form(name)
            kind = object if dtype == "string" else dtype
            if form.whole:
                feeds[name] = np.array(array, dtype=kind, order="C")  # state is written into it
                continue
            places = np.arange(self.batch) if order is None else np.array(order)
            rows = (index * self.batch + places) % len(array)
            chosen = array[rows]
            if form.order:
                chosen = chosen.transpose(form.order)
            feeds[name] = np.ascontiguousarray(chosen, dtype=kind)
        return feeds

    def sizes(self, cases: int) -> List[int]:
        """Return how many cases each batch adds when the first `cases` (-1: all) are run."""
        total = self.cases or 0
        wanted = total if cases < 0 else min(cases, total)
        return [min(self.batch, wanted - start) for start in range(0, wanted, self.batch)]

    def _form(self, name: str) -> Form:
        return self._forms.get(name, _AS_THEY_ARE)

    def _shape(self, name: str) -> Tuple[int, ...]:
        form, shape = self._form(name), self._arrays[name].shape
        found = tuple(shape) if form.whole else (self.batch, *shape[1:])
        return tuple(found[axis] for axis in form.order) if form.order else found


def opened(files: Mapping[str, str]) -> Dict[str, Any]:
    """Return the arrays of `.npy` files, mapped, not read."""
    return {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in files.items()}


def _check(tensor: TensorInfo, found: Sequence[int], dtype: Any) -> None:
    if len(found) != len(tensor.shape) or any(
        want is not None and want != have for want, have in zip(tensor.shape, found)
    ):
        raise ValueError(
            "input %s is declared as %s; a batch of the cases is %s"
            % (tensor.name, shape_text(tensor.shape), shape_text(found))
        )
    if tensor.dtype == "string":
        fits = dtype.kind == "U"
    else:
        wanted = np.dtype(tensor.dtype)
        fits = dtype == wanted or (dtype.kind, wanted.kind) == ("f", "f")
    if not fits:
        raise ValueError(
            "input %s is declared as %s; the cases are %s" % (tensor.name, tensor.dtype, dtype)
        )


def shape_text(shape: Sequence[Optional[int]]) -> str:
    """Return a shape for a message, open dimensions as `?`."""
    return "x".join("?" if size is None else str(size) for size in shape) or "a scalar"
