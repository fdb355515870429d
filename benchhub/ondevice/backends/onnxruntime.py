"""ONNX Runtime on the CPU: one session, one thread pool, sequential execution."""

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

import onnxruntime

from benchhub.ondevice.backends import LoadOptions, TensorInfo, check_model

NAME = "onnxruntime"
FORMATS = ("onnx",)

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(uint32)": "uint32",
    "tensor(int64)": "int64",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}


def version() -> str:
    """Return the version of onnxruntime."""
    return str(onnxruntime.__version__)


class OrtSession:
    """A model in ONNX Runtime; `details` records what shapes its speed."""

    def __init__(self, session: Any, details: Dict[str, Any]) -> None:
        self._session = session
        self.inputs = [_tensor(node) for node in session.get_inputs()]
        self.outputs = [_tensor(node) for node in session.get_outputs()]
        self.provider: Optional[str] = session.get_providers()[0]
        self.precision: Optional[str] = "f32"
        self.details: Mapping[str, Any] = details
        self._names = [tensor.name for tensor in self.outputs]

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return `session.run` on `feeds`, as a user's own loop would call it."""
        return partial(self._session.run, self._names, dict(feeds))

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return the outputs for `feeds`."""
        return list(self._session.run(self._names, dict(feeds)))


def load(path: Optional[str], options: LoadOptions) -> OrtSession:
    """Open an ONNX file with all graph optimisations; the precision is that of the graph."""
    model = check_model(NAME, FORMATS, path, options)
    if options.precision != "f32":
        raise ValueError(
            "onnxruntime computes in the graph's own precision, not %s; ask for f32 and convert "
            "the model instead" % options.precision
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.log_severity_level = 3
    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(
        model, sess_options=settings, providers=["CPUExecutionProvider"]
    )
    return OrtSession(
        session,
        {
            "optimization_level": "all",
            "execution_mode": "sequential",
            "providers": list(session.get_providers()),
            "intra_op_threads": options.threads,
            "inter_op_threads": 1,
            "spinning": "default",
            "input_types": [node.type for node in session.get_inputs()],
        },
    )


def _tensor(node: Any) -> TensorInfo:
    if node.type not in _DTYPES:
        raise ValueError("%s is a %s, which benchhub cannot carry" % (node.name, node.type))
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorInfo(node.name, _DTYPES[node.type], shape)
