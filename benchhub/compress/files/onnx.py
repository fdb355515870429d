"""What an ONNX file is: its digest, size, tensors, weights and arithmetic."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.counting.macs import count_macs
from benchhub.compress.files.counting.weights.count import count_weights
from benchhub.compress.files.external import (
    external_tensors,
    gzipped_bytes,
    identity,
    model_files,
    without_external,
)
from benchhub.compress.files.model_file import read_model
from benchhub.compress.files.plain_graph import check_bounds
from benchhub.compress.files.sparse_size import stored_sparsely
from benchhub.compress.trial.apart import answer
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec, Variant
from benchhub.outside.foreign.reading import reading

if TYPE_CHECKING:
    import onnx

_SHAPED = "benchhub.compress.trial.shaped"


def inspect_onnx(name: str, path: Path) -> Variant:
    """Return the variant `name` as found in an ONNX file.

    `params` counts the elements of all weights, `nonzero_params` those that are not zero (for a
    quantized weight: not its zero point). Weights in other files are read in pieces. Raises
    ConfigError if a file is missing, empty, or not ONNX, or if weights lie outside its folder.
    """
    blob = read_model(name, path)
    with reading(f"variant {name}: model {path}", "damaged, or not valid ONNX", "export it again"):
        return _inspected(name, path, blob)


def _inspected(name: str, path: Path, blob: bytes) -> Variant:
    model = _parse(name, path, blob)
    elsewhere = external_tensors(model)
    files = model_files(name, path, blob, elsewhere) if elsewhere else ()
    _shaped(path, model)
    _check(name, path, model)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    params, nonzero = count_weights(model, path.parent)
    count = count_macs(model, folder=path.parent)
    model_bytes = sum(file.size_bytes for file in files) or len(blob)
    return Variant(
        name=name,
        path=path,
        sha256=identity(files) if files else hashlib.sha256(blob).hexdigest(),
        format="onnx",
        model_bytes=model_bytes,
        gzip_bytes=gzipped_bytes(path.parent, files)
        if files
        else len(gzip.compress(blob, compresslevel=6, mtime=0)),
        inputs=tuple(
            _spec(name, path, value, "input")
            for value in model.graph.input
            if value.name not in initializers
        ),
        outputs=tuple(_spec(name, path, value, "output") for value in model.graph.output),
        params=params,
        nonzero_params=nonzero,
        macs=count.macs,
        uncounted=count.uncounted,
        sparse_bytes=stored_sparsely(model, model_bytes, path.parent),
        files=files,
    )


def _parse(name: str, path: Path, blob: bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(blob)
    except DecodeError as error:
        raise ConfigError(
            f"variant {name}: model {path} is not an ONNX file or is cut short; export it again"
        ) from error
    if not model.graph.node or not model.graph.output or not model.opset_import:
        raise ConfigError(f"variant {name}: model {path} holds no ONNX graph; export it again")
    check_bounds(model)
    return model


def _shaped(path: Path, model: onnx.ModelProto) -> None:
    """Give outputs the shapes that follow from the graph where the file leaves them out.

    Runtimes take such files, and the checker does not.
    """
    import onnx

    lacking = {one.name: one for one in model.graph.output if _has_no_shape(one)}
    if not lacking:
        return
    try:
        inferred = onnx.shape_inference.infer_shapes(without_external(model)).graph.output
    except (RuntimeError, ValueError):  # the checker says what is wrong
        return
    for one in inferred:
        if one.name in lacking and not _has_no_shape(one):
            lacking.pop(one.name).CopyFrom(one)
    if not lacking:
        return
    # Behind operators of its own onnxruntime alone knows.
    known = answer(_SHAPED, {"path": str(path)}).get("outputs", {})
    for name in lacking.keys() & known.keys():
        kind, shape = known[name]
        tensor = lacking[name].type.tensor_type
        tensor.elem_type = tensor.elem_type or onnx.TensorProto.DataType.Value(kind)
        for size in shape:
            dim = tensor.shape.dim.add()
            if isinstance(size, int):
                dim.dim_value = size
            elif size:
                dim.dim_param = size


def _has_no_shape(value: onnx.ValueInfoProto) -> bool:
    holds = value.type.WhichOneof("value")
    return holds is None or (
        holds == "tensor_type" and not value.type.tensor_type.HasField("shape")
    )


def _check(name: str, path: Path, model: onnx.ModelProto) -> None:
    import onnx

    try:
        onnx.checker.check_model(without_external(model))
    except onnx.checker.ValidationError as error:
        raise ConfigError(
            f"variant {name}: model {path} is not valid ONNX: {_why(str(error), model)}"
        ) from error


#: What the checker says of files that may only be newer than the package.
_NO_OPERATOR = re.compile(r"No Op registered for (\S+) with domain_version of (\d+)")
_NEWER_FORMAT = re.compile(r"ir_version (\d+) is higher than the checker's \((\d+)\)")


def _why(text: str, model: onnx.ModelProto) -> str:
    """Return what the checker says, in one line with a next step."""
    import onnx

    here = f"onnx {onnx.__version__}"
    if found := _NO_OPERATOR.search(text):
        kind, opset = found.groups()
        step = f"export it without {kind}, or upgrade onnx if that is newer"
        return f"opset {opset} has no operator {kind}, as {here} knows it; {step}"
    if found := _NEWER_FORMAT.search(text):
        its, most = found.groups()
        step = "save it with a lower ir_version, or upgrade onnx"
        return f"it is of IR version {its}, and {here} reads up to {most}; {step}"
    bare = [one.name for one in (*model.graph.input, *model.graph.output) if _has_no_shape(one)]
    if bare and text.startswith("Field 'shape'"):
        step = "give it one (onnx.helper.make_tensor_value_info), sizes that are open by a name"
        return f"{bare[0]} has no shape, and none follows from the graph; {step}"
    return f"{text.strip().splitlines()[0].rstrip('.')}; export it again"


def _spec(name: str, path: Path, value: onnx.ValueInfoProto, side: str) -> TensorSpec:
    """Return an input or output; ConfigError for one that is no tensor, or of no type."""
    import onnx
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    holds = value.type.WhichOneof("value") or "nothing"
    if holds != "tensor_type":
        element = value.type.sequence_type.elem_type.WhichOneof("value") or ""
        what = {
            "sequence_type": "a sequence" + (" of maps" if element == "map_type" else ""),
            "map_type": "a map",
            "optional_type": "optional",
        }.get(holds, holds.removesuffix("_type").replace("_", " "))
        step = (
            "export it with zipmap off (skl2onnx: options={'zipmap': False})"
            if "map" in what
            else "export it with plain tensors"
        )
        raise ConfigError(
            f"variant {name}: {side} {value.name} of {path} is {what}, not a tensor; {step}"
        )
    kind = value.type.tensor_type
    # a size of 0, of an empty cache say, is one: runtimes take no other; as a batch it is open
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= (not place) else None
        for place, dim in enumerate(kind.shape.dim)
    )
    if kind.elem_type == TensorProto.STRING:
        left_out = "" if side == "input" else "it holds text"
        return TensorSpec(value.name, "string", shape, left_out=left_out)
    try:
        dtype = tensor_dtype_to_np_dtype(kind.elem_type).name
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"variant {name}: {side} {value.name} of {path} is of type {kind.elem_type}, which onnx"
            f" {onnx.__version__} does not know; export it with a type, or upgrade onnx"
        ) from error
    return TensorSpec(value.name, dtype, shape)
