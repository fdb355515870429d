"""Outputs on their way to the controller: checked against what the model declares, then encoded."""

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.job import PIECE_BYTES, Form, encode_piece, pieces
from benchhub.ondevice.measure.batches import shape_text

_AS_THEY_ARE = Form()
#: Stands for an output that is not brought: no cases of it.
_NOTHING = np.empty(0, np.float32)


class ShapeError(Exception):
    """Outputs that are not what the model declares."""


class Wanted(NamedTuple):
    """Which of a session's outputs are brought, in that order, and how each is."""

    tensors: List[TensorInfo]
    places: List[int]
    forms: List[Form]


def wanted(
    declared: Sequence[TensorInfo], names: Sequence[str], forms: Mapping[str, Form]
) -> Wanted:
    """Return the outputs `names` (empty: all, as they come); ShapeError for one there is not."""
    there = [tensor.name for tensor in declared]
    missing = [name for name in names if name not in there]
    if missing:
        raise ShapeError("the model has outputs %s, not %s" % (", ".join(there), missing[0]))
    places = [there.index(name) for name in names] if names else list(range(len(there)))
    tensors = [declared[place] for place in places]
    return Wanted(tensors, places, [forms.get(one.name, _AS_THEY_ARE) for one in tensors])


def chosen(declared: Sequence[TensorInfo], arrays: Sequence[Any], which: Wanted) -> List[Any]:
    """Return the outputs wanted of what a call gave, checked, cases first.

    ShapeError unless `arrays` have the declared number, ranks and fixed sizes, where they are not
    known to be `undeclared`. One that is left out has no cases.
    """
    if len(declared) != len(arrays):
        raise ShapeError("%d outputs declared, %d came" % (len(declared), len(arrays)))
    found = []
    for place, form in zip(which.places, which.forms):
        tensor, array = declared[place], arrays[place]
        if form.left_out:
            found.append(_NOTHING)
            continue
        if not form.undeclared and not is_declared(tensor, array):
            raise ShapeError(
                "output %s is declared as %s and came as %s"
                % (tensor.name, shape_text(tensor.shape), shape_text(array.shape))
            )
        found.append(_arranged(tensor, form, array))
    return found


def is_declared(tensor: TensorInfo, array: Any) -> bool:
    """Whether an array has the rank and the fixed sizes that the file declares."""
    return array.ndim == len(tensor.shape) and all(
        want is None or want == have for want, have in zip(tensor.shape, array.shape)
    )


def _arranged(tensor: TensorInfo, form: Form, array: Any) -> Any:
    array = array.transpose(_inverse(form.order)) if form.order else array
    if form.rows:
        return _filled(tensor, form, array)
    return np.asarray(array)[None] if form.whole else array


def _filled(tensor: TensorInfo, form: Form, array: Any) -> Any:
    """Return an output with `form.rows` entries a case, filled up with 0; ShapeError for more."""
    array = array[None] if form.whole else array
    if array.ndim < 2:
        raise ShapeError(
            "output %s is %s, one number a case, and rows.%s says that it has rows; say"
            " batch_axis.%s = false if they are all of one case"
            % (tensor.name, shape_text(array.shape), tensor.name, tensor.name)
        )
    count = array.shape[1]
    if count > form.rows:
        raise ShapeError(
            "output %s has %d rows for a case, and rows.%s is %d; raise it"
            % (tensor.name, count, tensor.name, form.rows)
        )
    filled = np.zeros((len(array), form.rows, *array.shape[2:]), array.dtype)
    filled[:, :count] = array
    return filled


def check(which: Wanted, arrays: Sequence[Any], batch: int) -> None:
    """Raise ShapeError unless outputs that were `chosen` hold numbers for a batch of cases."""
    for tensor, form, array in zip(which.tensors, which.forms, arrays):
        if form.left_out:
            continue
        if array.ndim == 0 or len(array) != batch:
            raise ShapeError(
                "output %s is %s for a batch of %d, and cases should run along its axis %d; say"
                " batch_axis.%s in the suite, false where none does"
                % (
                    tensor.name,
                    shape_text(array.shape),
                    batch,
                    form.order.index(0) if form.order else 0,
                    tensor.name,
                )
            )
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise ShapeError("output %s holds %s, not numbers" % (tensor.name, array.dtype))


class Brought:
    """What was brought so far: `most_bytes` at most, and every output of one shape a case."""

    def __init__(self, most_bytes: Optional[int]) -> None:
        self._most_bytes = most_bytes
        self._size = 0
        self._shapes: Dict[str, Sequence[int]] = {}

    def add(self, which: Wanted, arrays: Sequence[Any], count: int) -> None:
        """Take the first `count` cases of one batch; ShapeError if they do not fit."""
        for tensor, array in zip(which.tensors, arrays):
            shape = self._shapes.setdefault(tensor.name, array.shape[1:])
            if shape != array.shape[1:]:
                raise ShapeError(
                    "output %s has %s a case in one batch and %s in another, and cases must have"
                    " one shape; let the model pad them"
                    % (tensor.name, shape_text(shape), shape_text(array.shape[1:]))
                )
            self._size += array[:count].nbytes
        if self._most_bytes is not None and self._size > self._most_bytes:
            raise ShapeError(
                "outputs of %d bytes and more, and %d is the most that is taken, by the output"
                " shapes that the file states and else by what the baseline answered, if it has;"
                " export it with all sizes of its outputs stated, or ask for fewer cases"
                % (self._size, self._most_bytes)
            )


def events(which: Wanted, arrays: Sequence[Any], count: Optional[int]) -> Iterator[Dict[str, Any]]:
    """Yield the `outputs` and `more` events of the first `count` cases of one batch."""
    for index, (tensor, array) in enumerate(zip(which.tensors, arrays)):
        rows = np.ascontiguousarray(array[:count])
        rows = rows.astype(rows.dtype.newbyteorder("<"), copy=False)
        cases = len(rows)
        step = max(1, PIECE_BYTES // max(1, rows[0].nbytes)) if cases else 1
        for start in range(0, max(1, cases), step):
            block = rows[start : start + step]
            first, *others = pieces(memoryview(block.tobytes()))
            yield {
                "event": "outputs",
                "index": index,
                "count": len(arrays),
                "name": tensor.name,
                "dtype": block.dtype.str,
                "shape": list(block.shape),
                "data": encode_piece(first),
            }
            for piece in others:
                yield {"event": "more", "data": encode_piece(piece)}


def _inverse(order: Sequence[int]) -> List[int]:
    return [list(order).index(axis) for axis in range(len(order))]
