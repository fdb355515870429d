"""ONNX Runtime's execution providers: how each is set up, and which one a session really uses."""

import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.backends.onnxruntime import BACKEND
from benchhub.ondevice.failed import Failed

CPU = "CPUExecutionProvider"

#: What `provider` of `[options.onnxruntime]` means to ONNX Runtime.
NAMES: Dict[str, str] = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "acl": "ACLExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
#: Where a build with a provider comes from.
_SOURCES: Dict[str, str] = {
    "cuda": "install onnxruntime-gpu in its place",
    "tensorrt": "install onnxruntime-gpu and TensorRT in its place",
    "openvino": "install onnxruntime-openvino in its place",
    "acl": "no wheel has it: build onnxruntime with --use_acl",
    "xnnpack": "no wheel has it: build onnxruntime with --use_xnnpack",
}
#: Errors of a provider's own set-up; what is wrong with a model has classes of its own.
SETUP_ERRORS = (RuntimeError, ValueError)
_RECORD = "session.record_ep_graph_assignment_info"
_STRICT = "session.disable_cpu_ep_fallback"
#: Whether a session can be asked which nodes went where; onnxruntime 1.24 was the first.
RECORDS = hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info")
#: Whether a session can be forbidden the CPU; earlier releases take the entry and do nothing.
_STRICT_SINCE = (1, 16)
#: With these, FP32 work on tensor cores (TF32) can be turned off for one session.
_TF32_OPTION_SINCE = (1, 18)


class OpenedSession(NamedTuple):
    """A session, what its providers were told, and how many nodes of the model each got.

    `nodes` is None for an unknown number, that is all; `cpu_operators` holds the types of those
    that the CPU got.
    """

    session: Any
    told: Mapping[str, Mapping[str, str]]
    nodes: Mapping[str, Optional[int]]
    cpu_operators: Mapping[str, int]
    counted: str


def check_available(provider: str) -> None:
    """Raise Failed, kind missing, where the installed build lacks `provider`."""
    available = onnxruntime.get_available_providers()
    if NAMES[provider] not in available:
        build = getattr(onnxruntime, "package_name", "") or "onnxruntime"
        raise Failed(
            "missing",
            "this onnxruntime %s (%s) was built with %s, not %s; %s"
            % (
                onnxruntime.__version__,
                build,
                ", ".join(available),
                NAMES[provider],
                _SOURCES[provider],
            ),
        )
    if provider in BACKEND.gpu and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds CUDA and cuDNN where pip put them


def configured(
    provider: str, device_id: int, options: LoadOptions
) -> List[Tuple[str, Dict[str, str]]]:
    """Return the providers to register, the one asked for first, each with its options.

    The CPU's is registered by ONNX Runtime itself, last, unless it is the one asked for.
    """
    if provider == "cuda":
        return [_cuda(device_id, options)]
    if provider == "tensorrt":
        # TensorRT has no switch of a session's own for TF32, only this of NVIDIA's libraries.
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
        told = {"device_id": str(device_id)}
        return [(NAMES["tensorrt"], told), _cuda(device_id, options)]
    if provider == "openvino":
        import json

        settings = {
            "INFERENCE_PRECISION_HINT": "f32",  # its default is bf16 where the CPU has it
            "INFERENCE_NUM_THREADS": str(options.threads * options.concurrency),
            "NUM_STREAMS": str(options.concurrency),
        }
        told = {"device_type": "CPU", "load_config": json.dumps({"CPU": settings})}
        return [(NAMES["openvino"], told)]
    if provider == "xnnpack":
        return [(NAMES["xnnpack"], {"intra_op_num_threads": str(options.threads)})]
    return [(NAMES[provider], {})]


def _cuda(device_id: int, options: LoadOptions) -> Tuple[str, Dict[str, str]]:
    told = {"device_id": str(device_id)}
    tf32 = options.precision == "tf32"
    if _version() >= _TF32_OPTION_SINCE:
        told["use_tf32"] = "1" if tf32 else "0"
    elif not tf32:
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    return (NAMES["cuda"], told)


def _version() -> Tuple[int, ...]:
    return tuple(int(part) for part in onnxruntime.__version__.split(".")[:2])


def opened(
    model: str,
    settings: Callable[[], Any],
    told: List[Tuple[str, Dict[str, str]]],
    records: bool = RECORDS,
    strict: Optional[bool] = None,
) -> OpenedSession:
    """Open `model` on the first provider of `told`; Failed of kind fallback if it takes no node.

    `settings` returns new SessionOptions each time. Which nodes went where is asked of a session
    that `records` it; else one that may use the CPU for no node is tried first, where the release
    has that (`strict`), and where it is refused, the verbose log of a second one is read.
    """

    def make(config: Mapping[str, str], verbose: bool = False) -> Any:
        chosen = settings()
        for key, value in config.items():
            chosen.add_session_config_entry(key, value)
        if verbose:
            chosen.log_severity_level = 0
        session = onnxruntime.InferenceSession(
            model, sess_options=chosen, providers=told, enable_fallback=0
        )
        session.disable_fallback()  # else a failing run would go on, on the CPU
        return session

    asked = told[0][0]
    try:
        if records:
            found = _recorded(make({_RECORD: "1"}))
        elif asked == CPU:
            found = OpenedSession(make({}), {}, {}, {}, "onnxruntime before 1.24 does not tell")
        else:
            found = _tried(make, asked, _version() >= _STRICT_SINCE if strict is None else strict)
    except SETUP_ERRORS as error:
        if asked == CPU:
            raise
        raise _fallback(asked, _cause(make) or str(error)) from error
    if asked not in found.session.get_providers():
        raise _fallback(asked, _cause(make))
    if asked != CPU:
        _check_nodes(asked, found.nodes, records)
    # Not every provider reports its options; what it was told says more than nothing.
    reported = found.session.get_provider_options()
    return found._replace(told={name: reported.get(name) or own for name, own in told})


def _check_nodes(asked: str, nodes: Mapping[str, Optional[int]], records: bool) -> None:
    if not nodes and not records:
        raise Failed(
            "fallback",
            "onnxruntime %s does not tell which nodes %s takes, and may run all on the CPU; "
            "install a newer one" % (onnxruntime.__version__, asked),
        )
    if nodes and asked not in nodes:
        raise Failed(
            "fallback",
            "%s takes none of the model's nodes; onnxruntime would run all on %s; choose that "
            "provider, or another model" % (asked, " and ".join(nodes)),
        )


def _recorded(session: Any) -> OpenedSession:
    nodes: Dict[str, int] = {}
    on_cpu: Dict[str, int] = {}
    for subgraph in session.get_provider_graph_assignment_info():
        found = subgraph.get_nodes()
        nodes[subgraph.ep_name] = nodes.get(subgraph.ep_name, 0) + len(found)
        if subgraph.ep_name == CPU:
            for node in found:
                on_cpu[node.op_type] = on_cpu.get(node.op_type, 0) + 1
    return OpenedSession(session, {}, nodes, on_cpu, "as assigned, before fusion")


def _tried(make: Callable[..., Any], asked: str, strict: bool) -> OpenedSession:
    if strict:
        try:
            session = make({_STRICT: "1"})
        except state.Fail as error:
            if "fallback to CPU EP has been explicitly disabled" not in str(error):
                raise
        else:
            told = "onnxruntime before 1.24 does not tell"
            return OpenedSession(session, {}, {asked: None}, {}, told)
    from benchhub.ondevice.backends.onnxruntime import log as ort_log

    nodes = ort_log.placed_nodes(ort_log.logged(lambda: make({}, verbose=True), ()))
    return OpenedSession(make({}), {}, nodes, {}, "from the log, after fusion")


def _cause(make: Callable[..., Any]) -> Optional[str]:
    from benchhub.ondevice.backends.onnxruntime import (
        log as ort_log,  # not wanted in the import's time
    )

    return ort_log.cause(ort_log.logged(lambda: make({}), SETUP_ERRORS))


def _fallback(asked: str, cause: Optional[str]) -> Failed:
    return Failed(
        "fallback",
        "%s could not be set up, and onnxruntime would have run the model on the CPU: %s"
        % (asked, cause or "its log names no cause"),
    )
