"""OpenVINO on the CPU: one compiled model, one stream, one infer request, called synchronously.

Every scenario, throughput too, runs a single request with the LATENCY hint, so that a batch
costs what it says and threads mean the same as in other backends. An open batch axis is fixed to
the launch's batch before compiling.
"""

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np
import openvino

from benchhub.ondevice.backends import LoadOptions, TensorInfo, check_model

NAME = "openvino"
FORMATS = ("onnx",)

_HINTS = {"f32": "f32", "f16": "f16", "bf16": "bf16"}


def version() -> str:
    """Return the version of openvino."""
    return str(openvino.__version__).split("-", maxsplit=1)[0]


class OpenvinoSession:
    """A compiled model; `precision` is the hint that the plugin says is in force."""

    def __init__(self, compiled: Any, threads: int) -> None:
        self.inputs = [_tensor(port) for port in compiled.inputs]
        self.outputs = [_tensor(port) for port in compiled.outputs]
        hint = compiled.get_property("INFERENCE_PRECISION_HINT")
        self.precision: Optional[str] = hint.get_type_name()
        self.provider: Optional[str] = "+".join(compiled.get_property("EXECUTION_DEVICES"))
        self.details: Mapping[str, Any] = {
            "threads_asked": threads,
            "threads": int(compiled.get_property("INFERENCE_NUM_THREADS")),
            "streams": int(compiled.get_property("NUM_STREAMS")),
            "performance_hint": "LATENCY",
            "request": "one, synchronous",
            "build": str(openvino.__version__),
        }
        self._request = compiled.create_infer_request()
        self._fixed = all(port.get_partial_shape().is_static for port in compiled.outputs)
        self._held: Dict[str, Any] = {}

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call on tensors that share memory with `feeds`; outputs are not copied."""
        self._share(feeds)
        request = self._request
        if not self._fixed:
            return partial(request.infer, None, share_inputs=True, share_outputs=True)
        # The method that `infer` extends: its dispatch over input types, and the dictionary it
        # makes of the outputs, take 15 us a call that are not inference.
        plain: Any = super(type(request), request)
        infer = plain.infer
        outputs = [request.get_output_tensor(index).data for index in range(len(self.outputs))]

        def call() -> Any:
            infer({}, True, False)
            return outputs

        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return copies of the outputs for `feeds`."""
        self._share(feeds)
        found = self._request.infer(None, share_inputs=True, share_outputs=True)
        return [np.array(found[index]) for index in range(len(self.outputs))]

    def _share(self, feeds: Mapping[str, Any]) -> None:
        self._held = dict(feeds)  # the request does not keep the arrays alive
        for index, tensor in enumerate(self.inputs):
            shared = openvino.Tensor(self._held[tensor.name], shared_memory=True)
            self._request.set_input_tensor(index, shared)


def load(path: Optional[str], options: LoadOptions) -> OpenvinoSession:
    """Compile an ONNX file; f32 is forced unless bf16 or f16 was asked for."""
    path = check_model(NAME, FORMATS, path, options)
    if options.precision not in _HINTS:
        raise ValueError("openvino computes in f32, f16 or bf16, not %s" % options.precision)
    core = openvino.Core()
    model = core.read_model(path)
    shapes = {}
    for port in model.inputs:
        shape = port.get_partial_shape()
        if shape.rank.is_static and len(shape) and shape[0].is_dynamic:
            shapes[port.get_any_name()] = [options.batch, *list(shape)[1:]]
    if shapes:
        model.reshape(shapes)
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": _HINTS[options.precision],
            "INFERENCE_NUM_THREADS": options.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    return OpenvinoSession(compiled, options.threads)


def _tensor(port: Any) -> TensorInfo:
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    dtype = np.dtype(port.get_element_type().to_dtype()).name
    return TensorInfo(_name(port), dtype, shape)


def _name(port: Any) -> str:
    """Return the name that the model file gives a tensor.

    A tensor behind a folded Cast has several names; a parameter's node keeps the file's own, and
    the node of an output is called `<name>/sink_port_<n>`.
    """
    own = str(port.node.friendly_name).partition("/sink_port_")[0]
    return own if own in port.get_names() else str(port.get_any_name())
