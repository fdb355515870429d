"""From an ONNX file to a TensorRT engine, with TensorRT 10 or 11.

TensorRT 11 knows strongly typed networks only: every layer computes in the type that the file
gives it, so f16 takes a float16 file and int8 one with QuantizeLinear and DequantizeLinear. With
TensorRT 10, f32 and tf32 are asked for in the same way; f16 and bf16 set a flag that allows the
builder to use them, layer by layer. Which of the two a release is shows in BuilderFlag.FP16.
"""

import time
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from benchhub.ondevice.backends.torch.nvidia import exhausted_text, is_exhausted
from benchhub.ondevice.failed import Failed

_FLAG = {"f16": "FP16", "bf16": "BF16"}
_TYPES = {"FLOAT": "f32", "HALF": "f16", "BF16": "bf16", "INT8": "int8", "FP8": "fp8"}
#: The oldest major release whose interface this is.
OLDEST = 10
_MIB = 1 << 20
_SHOWN_ERRORS = 3


class EngineRequest(NamedTuple):
    """What the engine is asked to be."""

    precision: str
    batch: int
    workspace_mib: int


class Typing(NamedTuple):
    """How a release is told about precision: network flags, and builder flags on and off."""

    network: Tuple[str, ...]
    on: Tuple[str, ...]
    off: Tuple[str, ...]
    strong: bool


def typing_for(trt: Any, precision: str) -> Typing:
    """Return the flags that stand for `precision`, by name; ValueError where there are none."""
    if int(str(trt.__version__).split(".")[0]) < OLDEST:
        text = "TensorRT %s is too old; install %d or newer (JetPack 6.1 has one)"
        raise Failed("unsupported", text % (trt.__version__, OLDEST))
    if precision in ("f32", "tf32"):
        on, off = (("TF32",), ()) if precision == "tf32" else ((), ("TF32",))
        # 11 has no other networks, and its flag for them is a left-over
        network = ("STRONGLY_TYPED",) if hasattr(trt.BuilderFlag, "FP16") else ()
        return Typing(network, on, off, strong=True)
    if precision not in _FLAG:
        raise ValueError("tensorrt computes in f32, tf32, f16 or bf16, not %s" % precision)
    if not hasattr(trt.BuilderFlag, _FLAG[precision]):
        text = (
            "TensorRT %s computes in the types of the ONNX file and takes no %s flag; convert the "
            "file (recipe fp16 for f16) and ask for f32"
        )
        raise ValueError(text % (trt.__version__, precision))
    return Typing((), (_FLAG[precision],), ("TF32",), strong=False)


class EngineLog:
    """Keeps what TensorRT says of warnings and errors; `logger` is what TensorRT takes."""

    def __init__(self, trt: Any) -> None:
        self.lines: List[str] = []
        lines = self.lines
        severity = trt.ILogger.Severity
        loud = (severity.INTERNAL_ERROR, severity.ERROR, severity.WARNING)

        class Logger(trt.ILogger):  # type: ignore[misc] # only known when it runs
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, msg: str) -> None:
                if severity in loud:
                    lines.append(str(msg))

        self.logger = Logger()

    def failure(self, what: str) -> Failed:
        """Return what went wrong, by the words that were kept."""
        text = "\n".join(self.lines) or "TensorRT gave no reason"
        exhausted = [line for line in self.lines if is_exhausted(line)]
        if exhausted:
            return Failed("memory", exhausted_text("\n".join(exhausted), "tensorrt: %s" % what))
        kind = "unsupported" if "not supported" in text or "nsupported" in text else "raised"
        return Failed(kind, "tensorrt: %s: %s" % (what, "; ".join(self.lines[:3]) or text))


def build(
    trt: Any, model: str, request: EngineRequest, log: EngineLog
) -> Tuple[bytes, Dict[str, Any]]:
    """Return the serialized engine for the ONNX file at `model`, and what to record about it."""
    typing = typing_for(trt, request.precision)
    started = time.perf_counter_ns()
    builder = made(trt.Builder, log)
    flags = 0
    for name in typing.network:
        flags |= 1 << int(getattr(trt.NetworkDefinitionCreationFlag, name))
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, log.logger)
    with open(model, "rb") as file:
        blob = file.read()
    if not parser.parse(blob, model):  # further files lie beside it
        raise parse_failure([parser.get_error(index) for index in range(parser.num_errors)])
    config = builder.create_builder_config()
    for name in typing.on:
        config.set_flag(getattr(trt.BuilderFlag, name))
    for name in typing.off:
        config.clear_flag(getattr(trt.BuilderFlag, name))
    if request.workspace_mib:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request.workspace_mib * _MIB)
    _set_profile(builder, network, config, request.batch)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise log.failure("no engine could be built")
    facts = {
        "build_s": round((time.perf_counter_ns() - started) / 1e9, 3),
        "precision": _in_force(network, request.precision, typing.strong),
        "typing": "strong" if typing.strong else "weak: the builder chose layer by layer",
        "builder_flags": [*typing.on, *("no %s" % name for name in typing.off)],
        "layers_parsed": int(network.num_layers),
    }
    return bytes(plan), facts


def made(kind: Callable[[Any], Any], log: EngineLog) -> Any:
    """Return a Builder or Runtime; Failed where TensorRT could not make one."""
    try:
        return kind(log.logger)
    except TypeError as error:  # how the bindings say that the library gave them nothing
        raise log.failure("no %s" % getattr(kind, "__name__", kind)) from error


def parse_failure(errors: Sequence[Any]) -> Failed:
    """Return the parser's first complaints, each with its operator and node."""
    told = []
    unsupported = False
    for error in errors[:_SHOWN_ERRORS]:
        unsupported = unsupported or "UNSUPPORTED" in str(error.code())
        told.append("%s (node %s): %s" % (error.node_operator(), error.node_name(), error.desc()))
    if len(errors) > _SHOWN_ERRORS:
        told.append("and %d more" % (len(errors) - _SHOWN_ERRORS))
    kind = "unsupported" if unsupported else "raised"
    text = "tensorrt cannot take the ONNX file: %s; export the model without that"
    return Failed(kind, text % ("; ".join(told) or "no reason"))


def _set_profile(builder: Any, network: Any, config: Any, batch: int) -> None:
    profile = builder.create_optimization_profile()
    is_open = False
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shape = list(tensor.shape)
        if any(size < 0 for size in shape[1:]):
            text = "input %s is open beyond its batch axis; export it with fixed sizes"
            raise ValueError(text % tensor.name)
        if shape and shape[0] < 0:
            is_open = True
            fixed = (batch, *shape[1:])
            profile.set_shape(tensor.name, fixed, fixed, fixed)
        elif shape and shape[0] != batch:
            text = "input %s is fixed at batch %d, not %d; export it with an open batch axis"
            raise ValueError(text % (tensor.name, shape[0], batch))
    if is_open:
        config.add_optimization_profile(profile)


def _in_force(network: Any, precision: str, strong: bool) -> str:
    """Return the types that layers put out; for a weak network, what was allowed."""
    if not strong:
        return precision
    found = set()
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        for output in range(layer.num_outputs):
            tensor = layer.get_output(output)
            name = str(tensor.dtype).rpartition(".")[2] if tensor is not None else ""
            if name in _TYPES:
                found.add(_TYPES[name])
    names = [precision if name == "f32" else name for name in sorted(found)]
    return "+".join(names) or precision
