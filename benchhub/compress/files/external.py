"""Weights that an ONNX model keeps in files of their own, beside the one that names them.

Such a model may be larger than memory: its files are read in pieces, and never held whole.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.cell import ModelFile, Variant

if TYPE_CHECKING:
    import onnx

    from benchhub.model.arrays import Array

_PIECE_BYTES = 4 << 20
#: Larger models are not gzipped to learn their size: that would take minutes.
GZIPPED_BYTES = 256 << 20
#: What protobuf can hold, less what the graph itself may take.
_ONE_FILE_BYTES = (2 << 30) - (64 << 20)


def external_tensors(model: onnx.ModelProto) -> tuple[onnx.TensorProto, ...]:
    """Return the tensors that are kept in other files, those of subgraphs and nodes too."""
    from onnx.external_data_helper import _get_all_tensors, uses_external_data

    return tuple(tensor for tensor in _get_all_tensors(model) if uses_external_data(tensor))


def model_files(
    name: str, path: Path, blob: bytes, tensors: Sequence[onnx.TensorProto]
) -> tuple[ModelFile, ...]:
    """Return the files of a model: the one at `path`, which is `blob`, then its data files.

    Raises ConfigError for a file that is missing, lies outside the model's folder or is too short.
    """
    ends: dict[str, int] = {}
    for tensor in tensors:
        place = _place(name, path, tensor)
        ends[place.file] = max(ends.get(place.file, 0), place.offset + place.size_bytes)
    main = ModelFile(path.name, hashlib.sha256(blob).hexdigest(), len(blob))
    return (main, *(_data_file(name, path, file, ends[file]) for file in sorted(ends)))


def identity(files: Sequence[ModelFile]) -> str:
    """Return the sha256 that stands for all files: of their names and contents, the model first.

    The model file itself may be called anything.
    """
    main, *others = files
    facts = [main.sha256, *([file.name, file.sha256] for file in others)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def in_one_file(variant: Variant, folder: Path) -> Path:
    """Return the file of a variant for who reads one only; of several, a copy in `folder`.

    ConfigError where they do not fit into one.
    """
    import onnx

    if not variant.files:
        return variant.path
    if variant.model_bytes >= _ONE_FILE_BYTES:
        raise ConfigError(
            f"{variant.path} has {variant.model_bytes / 1e9:.1f} GB of weights, and recipes work on"
            " one ONNX file, which holds 2 GB at most; convert it elsewhere and name the result in"
            " `model`"
        )
    model = onnx.load(str(variant.path), load_external_data=False)
    for tensor in external_tensors(model):
        _fill(tensor, variant.path.parent)
    whole = folder / "source.onnx"
    onnx.save(model, str(whole))
    return whole


def gzipped_bytes(folder: Path, files: Sequence[ModelFile]) -> int | None:
    """Return what the files take gzipped, one by one; None beyond GZIPPED_BYTES together."""
    if sum(file.size_bytes for file in files) > GZIPPED_BYTES:
        return None
    counted = _Counted()
    for file in files:
        with gzip.GzipFile(fileobj=counted, mode="wb", compresslevel=6, mtime=0) as packed:  # type: ignore[call-overload]
            for piece in _pieces(folder / file.name):
                packed.write(piece)
    return counted.size_bytes


def without_external(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model that can be checked by itself: weights in other files become inputs."""
    import onnx

    if not external_tensors(model):
        return model
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    listed = {value.name for value in bare.graph.input}
    for tensor in [t for t in bare.graph.initializer if t.external_data]:
        if tensor.name not in listed:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            bare.graph.input.append(value)
        bare.graph.initializer.remove(tensor)
    for tensor in external_tensors(bare):  # in nodes and subgraphs: what it holds is not checked
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.data_type, tensor.dims[:] = onnx.TensorProto.FLOAT, [0]
    return bare


def array_of(tensor: onnx.TensorProto, folder: Path) -> Array:
    """Return the values of a tensor; those in another file are mapped, not read."""
    from onnx.external_data_helper import uses_external_data
    from onnx.helper import tensor_dtype_to_np_dtype
    from onnx.numpy_helper import to_array

    if not uses_external_data(tensor):
        return to_array(tensor)
    place = _place("", folder / "model", tensor)
    dtype = tensor_dtype_to_np_dtype(tensor.data_type)
    if _packed_bits(tensor) or not place.size_bytes:
        return _read(tensor, folder)
    return np.memmap(folder / place.file, dtype, "r", offset=place.offset, shape=tuple(tensor.dims))


def count_nonzero(values: Array, zero: Any = 0) -> int:
    """Return how many of `values` differ from `zero`, which broadcasts over all but axis 0."""
    step = max(1, _PIECE_BYTES * len(values) // max(1, values.nbytes)) if values.ndim else 1
    if values.ndim == 0 or values.nbytes <= _PIECE_BYTES:
        return int(np.count_nonzero(values != zero))
    found = 0
    for start in range(0, len(values), step):
        here = slice(start, start + step)
        point = zero[here] if np.ndim(zero) and np.shape(zero)[0] == len(values) else zero
        found += int(np.count_nonzero(values[here] != point))
        if isinstance(values, np.memmap) and isinstance(values._mmap, mmap.mmap):  # type: ignore[attr-defined]
            values._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
    return found


class _Place(NamedTuple):
    """Where a tensor's bytes lie."""

    file: str
    offset: int
    size_bytes: int


def _place(name: str, path: Path, tensor: onnx.TensorProto) -> _Place:
    told = {entry.key: entry.value for entry in tensor.external_data}
    location = told.get("location", "")
    pure = PurePosixPath(location)
    if not location or pure.is_absolute() or ".." in pure.parts or "\\" in location:
        raise ConfigError(
            f"variant {name}: model {path} keeps weight {tensor.name} in {location!r}, outside its"
            " own folder; save it anew with onnx.save(save_as_external_data=True)"
        )
    try:
        offset = int(told.get("offset", 0))
        size_bytes = int(told["length"]) if "length" in told else _size_of(tensor)
        if min(offset, size_bytes) < 0:
            raise ValueError("less than 0")
        if size_bytes != _size_of(tensor) and not _packed_bits(tensor):
            raise ValueError(f"{size_bytes} bytes for shape {list(tensor.dims)}")
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"variant {name}: model {path} does not say where weight {tensor.name} lies in"
            f" {location} ({error}); export it again"
        ) from error
    return _Place(pure.as_posix(), offset, size_bytes)


def _size_of(tensor: onnx.TensorProto) -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    elements = math.prod(tensor.dims)
    if bits := _packed_bits(tensor):
        return int(-(-elements * bits // 8))
    return int(elements * tensor_dtype_to_np_dtype(tensor.data_type).itemsize)


def _packed_bits(tensor: onnx.TensorProto) -> int:
    """Return the bits of an element where several share a byte, else 0."""
    import onnx

    kind: str = onnx.TensorProto.DataType.Name(tensor.data_type)
    if kind.startswith(("INT2", "UINT2")):
        return 2
    return 4 if kind.startswith(("INT4", "UINT4", "FLOAT4")) else 0


def _data_file(name: str, path: Path, file: str, end: int) -> ModelFile:
    digest, size_bytes = hashlib.sha256(), 0
    try:
        for piece in _pieces(path.parent / file):
            digest.update(piece)
            size_bytes += len(piece)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"variant {name}: model {path} keeps weights in {file}, which cannot be read beside it:"
            f" {reason}; copy that file there too"
        ) from error
    if size_bytes < end:
        raise ConfigError(
            f"variant {name}: model {path} keeps weights up to byte {end} of {file}, which has"
            f" {size_bytes}: it is cut short, or of another model; copy or export it again"
        )
    return ModelFile(file, digest.hexdigest(), size_bytes)


def _read(tensor: onnx.TensorProto, folder: Path) -> Array:
    import onnx
    from onnx.numpy_helper import to_array

    whole = onnx.TensorProto()
    whole.CopyFrom(tensor)
    _fill(whole, folder)
    return to_array(whole)


def _fill(tensor: onnx.TensorProto, folder: Path) -> None:
    """Put into a tensor what another file has of it, which may be a link, as a download cache has.

    What onnx offers for this refuses links.
    """
    place = _place("", folder / "model", tensor)
    with (folder / place.file).open("rb") as file:
        file.seek(place.offset)
        tensor.raw_data = file.read(place.size_bytes)
    tensor.ClearField("external_data")
    tensor.data_location = tensor.DEFAULT


def _pieces(path: Path) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(_PIECE_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            yield buffer[:count]


class _Counted:
    """A file that only counts what is written to it."""

    def __init__(self) -> None:
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        count = len(data)
        self.size_bytes += count
        return count
