"""ONNX Runtime: one session on one execution provider.

A model of which the provider takes no node is not run
elsewhere but fails; where it takes only some, `provider` and `details` say which others the rest
went to. Several calls at once share the session and its pool of intra-op threads.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from benchhub.ondevice.backends import (
    PROFILE,
    LoadOptions,
    Profile,
    TensorInfo,
    check_model,
    option,
)
from benchhub.ondevice.backends.onnxruntime import BACKEND, providers
from benchhub.ondevice.failed import Failed

if TYPE_CHECKING:
    from benchhub.ondevice.backends.onnxruntime.profile import Trace

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
    "tensor(string)": "string",
}
_LEVELS = {
    "disable": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
_MODES = {
    "sequential": onnxruntime.ExecutionMode.ORT_SEQUENTIAL,
    "parallel": onnxruntime.ExecutionMode.ORT_PARALLEL,
}
#: What a session raises about a model or a call; the runtime has no common base class for them.
_RAISED = (
    state.EPFail,
    state.Fail,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
)


def version() -> str:
    """Return the version of onnxruntime."""
    return str(onnxruntime.__version__)


class OrtSession:
    """A model in ONNX Runtime; `details` records what shapes its speed."""

    reads_feeds = True

    def __init__(
        self,
        session: Any,
        provider: str,
        precision: str,
        details: Any,
        trace: "Optional[Trace]" = None,
    ) -> None:
        self._session = session
        self._trace = trace
        self.inputs = [_tensor(node) for node in session.get_inputs()]
        self.outputs = [_tensor(node) for node in session.get_outputs()]
        self.provider: Optional[str] = provider
        self.precision: Optional[str] = precision
        self.details: Mapping[str, Any] = details
        self._names = [tensor.name for tensor in self.outputs]

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return `session.run` on `feeds`, as a user's own loop would call it."""
        run, names, held = self._session.run, self._names, dict(feeds)

        def call() -> Any:
            try:
                return run(names, held)
            except _RAISED as error:
                raise _attributed(error, str(self.provider)) from error

        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return the outputs for `feeds`."""
        return list(self.bind(feeds)())

    def profile(self, call: Callable[[], Any], calls: int) -> Optional[Profile]:
        """Return where `calls` more calls spend their time; None: it was not asked to count.

        On an accelerator a trace tells when an operator was launched, not how long it took.
        """
        if self._trace is None or self.provider != providers.CPU:
            return None
        return self._trace.profile(self._session, call, calls)


def load(path: Optional[str], options: LoadOptions) -> OrtSession:
    """Open an ONNX file; the precision is that of the graph."""
    model = check_model(BACKEND, path, options)
    asked = {name: option(BACKEND, name, options) for name in BACKEND.options}
    provider = asked["provider"]
    _check(provider, options)
    providers.check_available(provider)
    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()

    trace = _trace() if options.scenario == PROFILE else None

    def settings() -> Any:
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads = _intra_op_threads(provider, options)
        chosen.inter_op_num_threads = asked["inter_op_threads"]
        chosen.execution_mode = _MODES[asked["execution_mode"]]
        chosen.graph_optimization_level = _LEVELS[asked["graph_optimization_level"]]
        chosen.enable_cpu_mem_arena = asked["arena"]
        chosen.log_severity_level = 3
        if not _spins(asked):
            for pool in ("intra_op", "inter_op"):
                chosen.add_session_config_entry("session.%s.allow_spinning" % pool, "0")
        if trace is not None:
            trace.ask(chosen)
        return chosen

    told = providers.configured(provider, asked["device_id"], options)
    try:
        opened = providers.opened(model, settings, told)
    except _RAISED as error:
        raise _attributed(error, providers.NAMES[provider]) from error
    details = _details(opened, asked, options)
    precision = _precision(opened, provider, options.precision)
    return OrtSession(opened.session, _used(opened, provider), precision, details, trace)


def _trace() -> "Trace":
    from benchhub.ondevice.backends.onnxruntime.profile import Trace  # as below

    return Trace()


def _attributed(error: Exception, provider: str) -> Exception:
    # Imported where it is needed: what it compiles would add to the import's time.
    from benchhub.ondevice.backends.onnxruntime.errors import attributed

    return attributed(error, provider, version())


def _check(provider: str, options: LoadOptions) -> None:
    if BACKEND.precision_needs.get(options.precision, ("provider", provider))[1] != provider:
        raise ValueError(
            "onnxruntime on %s computes in the graph's own precision, not %s; ask for f32 and "
            "convert the model instead" % (provider, options.precision)
        )


def _intra_op_threads(provider: str, options: LoadOptions) -> int:
    return 1 if provider == "xnnpack" else options.threads


def _spins(asked: Mapping[str, Any]) -> bool:
    """XNNPACK has threads of its own, and the session's would spin beside them."""
    return bool(asked["allow_spinning"]) and asked["provider"] != "xnnpack"


def _threads_at_once(asked: Mapping[str, Any], options: LoadOptions) -> int:
    """Callers are threads of the pool that they share; on a GPU they wait."""
    if asked["provider"] in BACKEND.gpu:
        return options.concurrency
    if asked["provider"] == "openvino":
        return options.threads * options.concurrency
    branches: int = asked["inter_op_threads"]
    return options.threads + options.concurrency - 1 + branches - 1


def _used(opened: providers.OpenedSession, provider: str) -> str:
    """Return the providers that got nodes, the one asked for first."""
    asked = providers.NAMES[provider]
    others = sorted(name for name in opened.nodes if name != asked)
    return "+".join([asked, *others])


def _precision(opened: providers.OpenedSession, provider: str, asked: str) -> str:
    if provider != "cuda":
        return "f32"
    switch = opened.told.get(providers.NAMES["cuda"], {}).get("use_tf32")
    if switch is None:  # a release without the option, for which f32 was made sure of
        return asked
    return "tf32" if switch == "1" else "f32"


def _details(
    opened: providers.OpenedSession, asked: Mapping[str, Any], options: LoadOptions
) -> Dict[str, Any]:
    session, provider = opened.session, asked["provider"]
    settings = session.get_session_options()
    details: Dict[str, Any] = {
        "optimization_level": _named(_LEVELS, settings.graph_optimization_level),
        "execution_mode": _named(_MODES, settings.execution_mode),
        "providers": list(session.get_providers()),
        "nodes": {name: count or "all" for name, count in opened.nodes.items()},
        "nodes_counted": opened.counted,
        "intra_op_threads": settings.intra_op_num_threads,
        "inter_op_threads": settings.inter_op_num_threads,
        "threads_at_once": _threads_at_once(asked, options),
        "spinning": "default" if _spins(asked) else "off",
        "arena": settings.enable_cpu_mem_arena,
        "input_types": [node.type for node in session.get_inputs()],
    }
    if provider != "cpu":
        details["provider_options"] = {
            name: dict(values) for name, values in opened.told.items() if values
        }
        if opened.cpu_operators:
            details["operators_on_cpu"] = dict(opened.cpu_operators)
    if provider in BACKEND.gpu:
        details["copies"] = "inputs and outputs cross between host and device in every call"
    if provider == "openvino":
        details["device_type"] = "CPU"
    if options.concurrency > 1:
        details["concurrency"] = "%d callers of one session" % options.concurrency
    return details


def _named(names: Mapping[str, Any], value: Any) -> str:
    return next((name for name, one in names.items() if one == value), str(value))


def _tensor(node: Any) -> TensorInfo:
    if node.type not in _DTYPES:
        text = "onnxruntime %s: %s is %s, which cannot be carried; export the model without it"
        raise Failed("unsupported", text % (version(), node.name, node.type))
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorInfo(node.name, _DTYPES[node.type], shape)
