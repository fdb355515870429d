"""Tensors of a TFLite interpreter: their names, and integers as the numbers they stand for.

Names are those of the file's signature if it has exactly one, else those of its tensors without
the prefix `serving_default_` and the suffix `:0`; what several would then be called keeps its
suffix, as `StatefulPartitionedCall:1` does.
"""

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from benchhub.ondevice.backends import TensorInfo


class QuantizedTensor(NamedTuple):
    """A tensor of the interpreter, and as the session declares it; `scale` is 0 for no integers."""

    number: int
    info: TensorInfo
    dtype: Any
    scale: float
    zero_point: int

    def stored(self, array: Any) -> Any:
        """Return `array` as the interpreter takes it."""
        if not self.scale:
            return np.ascontiguousarray(array, dtype=self.dtype)
        limits = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(array) / np.float32(self.scale)) + self.zero_point
        return np.clip(steps, limits.min, limits.max).astype(self.dtype)

    def real(self, array: Any) -> Any:
        """Return what the interpreter gave as the numbers that it stands for."""
        if not self.scale:
            return array
        return (array.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class Outputs:
    """The outputs of the last call, read when asked for: `[i]` is a copy of output i."""

    def __init__(self, work: Any, tensors: Sequence[QuantizedTensor]) -> None:
        self._work, self._tensors = work, tensors

    def __len__(self) -> int:
        return len(self._tensors)

    def __getitem__(self, position: int) -> Any:
        tensor = self._tensors[position]
        return tensor.real(self._work.get_tensor(tensor.number))


def names(work: Any) -> Tuple[Dict[int, str], Dict[int, str]]:
    """Return the names of inputs and outputs by tensor index, where the one signature has them."""
    signatures = list(work._get_full_signature_list().values())
    if len(signatures) != 1:
        return {}, {}
    inputs, outputs = (
        {int(index): name for name, index in signatures[0][side].items()}
        for side in ("inputs", "outputs")
    )
    return inputs, outputs


def tensors(
    entries: Sequence[Mapping[str, Any]], known: Mapping[int, str]
) -> List[QuantizedTensor]:
    """Return the tensors that the interpreter describes, by the names `known` where it has them."""
    told = labels([(entry["index"], entry["name"]) for entry in entries], known)
    return [_tensor(entry, name) for entry, name in zip(entries, told)]


def _tensor(entry: Mapping[str, Any], name: str) -> QuantizedTensor:
    scale, zero_point = entry["quantization"]
    dtype = np.dtype(entry["dtype"])
    quantized = scale != 0 and dtype.kind in "iu"
    declared = entry["shape_signature"] if len(entry["shape_signature"]) else entry["shape"]
    shape = tuple(None if size < 0 else int(size) for size in declared)
    info = TensorInfo(name, "float32" if quantized else dtype.name, shape)
    return QuantizedTensor(
        entry["index"], info, dtype.type, float(scale) if quantized else 0.0, int(zero_point)
    )


def labels(side: Sequence[Tuple[int, str]], known: Mapping[int, str]) -> List[str]:
    """Return a name of its own for each tensor of a side, by its index and its name in the file.

    `known` are names by index, of a signature. Outputs of one operator differ in their suffix only.
    """
    short = [known.get(index) or _whole(name).partition(":")[0] for index, name in side]
    found = [
        one if one and short.count(one) == 1 else _whole(name)
        for one, (_, name) in zip(short, side)
    ]
    return [
        one if one and found.count(one) == 1 else "%s#%d" % (one, place)
        for place, one in enumerate(found)
    ]


def _whole(name: str) -> str:
    """Return a tensor's name without what TensorFlow's exporter puts before it."""
    return name[len("serving_default_") :] if name.startswith("serving_default_") else name
