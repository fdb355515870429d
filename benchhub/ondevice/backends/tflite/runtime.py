"""TensorFlow Lite on the CPU: ai-edge-litert, or tflite-runtime where that is what there is.

Every bound call has an interpreter of its own: n calls at once are n interpreters, each with the
threads asked for. An open batch axis is fixed to the launch's batch before memory is planned.

Quantized inputs and outputs are declared float32, and scaled outside the timed region: inputs by
`bind`, outputs when element i of what the call returns is read.
"""

import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from benchhub.ondevice.backends import LoadOptions, check_model, option
from benchhub.ondevice.backends.tflite import BACKEND
from benchhub.ondevice.backends.tflite.tensors import Outputs, labels, names, tensors
from benchhub.ondevice.failed import Failed

try:
    from ai_edge_litert import interpreter as runtime

    DISTRIBUTION = "ai-edge-litert"
except ModuleNotFoundError:
    if int(np.__version__.partition(".")[0]) >= 2:
        # Its import succeeds all the same, and every load then fails without saying why.
        raise ImportError(
            "ai-edge-litert is not installed, and tflite-runtime needs numpy below 2 (here %s); "
            "install ai-edge-litert, or tflite-runtime with 'numpy<2'" % np.__version__,
            name="tflite",
        ) from None
    from tflite_runtime import interpreter as runtime

    DISTRIBUTION = "tflite-runtime"

_IDENTIFIER = b"TFL3"
_LACKING = re.compile(
    r"unresolved custom op|find op for builtin opcode|builtin_code out of range"
    r"|not supported by this interpreter"
)


def version() -> str:
    """Return the name and version of the distribution that is used, not of one that is broken."""
    import importlib.metadata

    try:
        return "%s %s" % (DISTRIBUTION, importlib.metadata.version(DISTRIBUTION))
    except importlib.metadata.PackageNotFoundError:  # a build of one's own
        return DISTRIBUTION


class TfliteSession:
    """A model file and the settings that each of its interpreters is made with."""

    precision: Optional[str] = "f32"

    def __init__(self, path: str, options: LoadOptions, xnnpack: bool) -> None:
        self._path, self._options, self._xnnpack = path, options, xnnpack
        self._first = self._interpreter()
        self._idle = [self._first]
        of_inputs, of_outputs = names(self._first)
        self._inputs = tensors(self._first.get_input_details(), of_inputs)
        self._outputs = tensors(self._first.get_output_details(), of_outputs)
        self.inputs = [tensor.info for tensor in self._inputs]
        self.outputs = [tensor.info for tensor in self._outputs]

    @property
    def provider(self) -> Optional[str]:
        """Return who runs the model: XNNPACK where it took any part, else the built-in kernels."""
        return "XNNPACK" if self._partitions() else "builtin"

    @property
    def details(self) -> Mapping[str, Any]:
        """Return what shapes the speed, read off the interpreter."""
        scaled = {
            tensor.info.name: {
                "dtype": np.dtype(tensor.dtype).name,
                "scale": tensor.scale,
                "zero_point": tensor.zero_point,
            }
            for tensor in (*self._inputs, *self._outputs)
            if tensor.scale
        }
        said: Dict[str, Any] = {
            "distribution": DISTRIBUTION,
            "threads": self._options.threads,
            "threads_at_once": self._options.threads * self._options.concurrency,
            "interpreters": "one a bound call",
            "xnnpack_asked": self._xnnpack,
            "xnnpack_partitions": self._partitions(),
        }
        if scaled:
            said["int8_io"] = "scaled outside the timed region"
            said["scales"] = scaled
        return said

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Outputs]:
        """Return `invoke` on an interpreter that holds `feeds`; inputs are copied and scaled here.

        What the call returns reads and scales output i when it is asked for it.
        """
        work = self._take()
        for tensor in self._inputs:
            work.set_tensor(tensor.number, tensor.stored(feeds[tensor.info.name]))
        invoke, outputs = work.invoke, Outputs(work, self._outputs)

        def call() -> Outputs:
            invoke()
            return outputs

        def put(name: str, array: Any) -> None:
            tensor = next(one for one in self._inputs if one.info.name == name)
            work.set_tensor(tensor.number, tensor.stored(array))

        call.put = put  # type: ignore[attr-defined] # it copies what it is bound to
        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return the outputs for `feeds`, integers as the numbers that they stand for."""
        work = self._take()
        for tensor in self._inputs:
            work.set_tensor(tensor.number, tensor.stored(feeds[tensor.info.name]))
        work.invoke()
        outputs = Outputs(work, self._outputs)
        found = [outputs[position] for position in range(len(outputs))]
        self._idle.append(work)
        return found

    def _take(self) -> Any:
        return self._idle.pop() if self._idle else self._interpreter()

    def _partitions(self) -> int:
        # Private, but the same in both distributions, and nothing else tells.
        return sum(one["op_name"] == "DELEGATE" for one in self._first._get_ops_details())

    def _interpreter(self) -> Any:
        kinds = runtime.OpResolverType
        kernels = kinds.AUTO if self._xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            work = runtime.Interpreter(
                model_path=self._path,
                num_threads=self._options.threads,
                experimental_op_resolver_type=kernels,
            )
            _fix_shapes(work, self._options)
            work.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            if _LACKING.search(str(error)):
                text = "%s: %s; export the model without that operator, or for another backend"
                cause = " ".join(str(error).split()).rstrip(". ")
                raise Failed("unsupported", text % (version(), cause)) from error
            if "failed to prepare" in str(error):
                text = "the model cannot be prepared for batch %d: %s"
                raise ValueError(text % (self._options.batch, error)) from error
            raise
        return work


def load(path: Optional[str], options: LoadOptions) -> TfliteSession:
    """Open a TFLite file; `xnnpack = false` leaves it to the built-in kernels."""
    path = check_model(BACKEND, path, options)
    _check_file(path)
    return TfliteSession(path, options, option(BACKEND, "xnnpack", options))


def _check_file(path: str) -> None:
    """ValueError for what is no TFLite file at all: tflite-runtime crashes on some of those."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(8)
    if head[4:] != _IDENTIFIER:
        raise ValueError("%s is no TFLite file: bytes 4 to 8 are %r" % (path, head[4:]))
    if int.from_bytes(head[:4], "little") >= size:
        raise ValueError("%s is a TFLite file cut short; stage it again" % path)


def _fix_shapes(work: Any, options: LoadOptions) -> None:
    known, _ = names(work)
    entries = work.get_input_details()
    told = labels([(entry["index"], entry["name"]) for entry in entries], known)
    for entry, name in zip(entries, told):
        shape, declared = [int(size) for size in entry["shape"]], entry["shape_signature"]
        if not shape:
            continue
        fed = options.shapes.get(name)
        wanted = list(fed) if fed is not None else [options.batch, *shape[1:]]
        if wanted == shape:
            continue
        is_open = [size == -1 for size in declared] or [False] * len(shape)
        for axis, (have, want) in enumerate(zip(shape, wanted)):
            if have != want and not is_open[axis]:
                what = "batch" if axis == 0 else "%d along axis %d" % (have, axis)
                raise ValueError(
                    "input %s is fixed at %s%s, not %d; export the model with an open %s axis"
                    % (
                        entry["name"],
                        what,
                        " %d" % have if axis == 0 else "",
                        want,
                        "batch" if axis == 0 else "such",
                    )
                )
        work.resize_tensor_input(entry["index"], wanted, strict=True)
