"""Inference runtimes: a table of modules that all keep one contract.

A backend is a module with what `Backend` lists; importing it imports its runtime. It is named in
`MODULES`, or comes with another distribution through the entry-point group `benchhub.backends`
(entry-point name: the backend's name; value: the module). `load` opens one model file for one
launch and returns a `InferenceSession`.

What every backend promises:
- `load` raises FileNotFoundError for a missing file and ValueError for a format, precision,
  option or thread count it cannot serve, with a message that says which. It raises
  `failed.Failed` of kind `fallback` where another provider or device than the one asked for would
  run the model, `unsupported` for an operator that the runtime lacks, and load or a call raise it
  with kind `memory` where an accelerator's memory does not suffice, naming the size asked for.
- `bind(feeds)` prepares everything that can be prepared and returns a callable without
  arguments. One call is one inference on `feeds`; when it returns, the outputs can be read on the
  host: `[i]` of what it returns is output `i`, valid until the next call.
- Where `concurrency` is n, n callables of as many `bind` calls may run at once, each in a thread
  of its own (streams, sessions or interpreters: the backend's choice, told in `details`).
- A callable may have `begin(calls)`, called before at most that many timed calls, and `tracks()`,
  which returns after them, per name in wire.TRACKS, the nanoseconds of each call.
- A session may have `profile(call, calls)`: it makes `calls` more of the call bound last and
  returns a Profile; None where it cannot tell. It is asked in scenario `profile` only, once, and
  the backend is named in PROFILES.
- A session may have `gpu_bytes()`: what it and its runtime hold of an accelerator's memory at
  most, as the runtime counts it; None where it cannot tell.
- `run(feeds)` returns the outputs as numpy arrays of their own, in the order of `outputs`.
- `precision` is what the runtime computes in, as it reports it, not what was asked for.
"""

import importlib
import os
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

GROUP = "benchhub.backends"

MODULES: Dict[str, str] = {
    "faulty": "benchhub.ondevice.backends.faulty",
    "null": "benchhub.ondevice.backends.null",
    "onnxruntime": "benchhub.ondevice.backends.onnxruntime.runtime",
    "openvino": "benchhub.ondevice.backends.openvino.runtime",
    "tensorrt": "benchhub.ondevice.backends.tensorrt.runtime",
    "tflite": "benchhub.ondevice.backends.tflite.runtime",
    "torch": "benchhub.ondevice.backends.torch.runtime",
}

#: Backends without a runtime of their own, and the version they report.
BUILT_IN: Dict[str, str] = {"faulty": "1", "null": "0"}

#: Distributions that bring a backend's runtime, in the order they are looked for.
DISTRIBUTIONS: Dict[str, Tuple[str, ...]] = {
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    "openvino": ("openvino",),
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu13-bindings"),
    "tflite": ("ai-edge-litert", "tflite-runtime"),
    "torch": ("torch",),
}

#: Backends whose distributions are runtimes of their own: their version begins with its name.
SEVERAL_RUNTIMES = ("tflite",)

#: Model formats that each backend reads, known without its runtime; null has no model.
READS: Dict[str, Tuple[str, ...]] = {
    "faulty": ("onnx",),
    "null": (),
    "onnxruntime": ("onnx",),
    "openvino": ("onnx",),
    "tensorrt": ("onnx",),
    "tflite": ("tflite",),
    "torch": ("torchscript", "exported"),
}

#: What each backend can be asked to compute in, known without its runtime.
COMPUTES: Dict[str, Tuple[str, ...]] = {
    "faulty": ("f32",),
    "null": ("f32", "tf32", "f16", "bf16"),
    "onnxruntime": ("f32", "tf32"),
    "openvino": ("f32", "f16", "bf16"),
    "tensorrt": ("f32", "tf32", "f16", "bf16"),
    "tflite": ("f32",),
    "torch": ("f32", "tf32", "f16", "bf16"),
}

#: Precisions that a backend offers only where an option has a certain value.
COMPUTES_WITH: Dict[Tuple[str, str], Tuple[str, Any]] = {
    ("onnxruntime", "tf32"): ("provider", "cuda"),
}

#: The scenario in which a backend counts what each operator takes, and those that can.
PROFILE = "profile"
PROFILES: Tuple[str, ...] = ("onnxruntime", "openvino")

#: The options of each backend (`[options.NAME]` of a suite) and their values, the first of which is
#: the default; a single one stands for any value of its type. A list in the suite is a sweep.
OPTIONS: Dict[str, Dict[str, Tuple[Any, ...]]] = {
    "null": {"hash_bytes": (0,)},
    "onnxruntime": {
        "provider": ("cpu", "cuda", "tensorrt", "openvino", "acl", "xnnpack"),
        "device_id": (0,),
    },
    "openvino": {
        "device": ("CPU", "GPU", "NPU", "AUTO"),
        "hint": ("latency", "throughput", "none"),
        "streams": (0,),
    },
    "tensorrt": {"device_id": (0,), "workspace_mib": (0,)},
    "tflite": {"xnnpack": (True, False)},
    "torch": {
        "device": ("cpu", "cuda"),
        "mode": ("eager", "compile", "cuda-graphs"),
        "channels_last": (False, True),
    },
}


class TensorInfo(NamedTuple):
    """An input or output as the model declares it: numpy dtype name, None for an open size."""

    name: str
    dtype: str
    shape: Tuple[Optional[int], ...]


class Profile(NamedTuple):
    """Where `calls` calls spent their time: the mean call, and the mean of each operator type."""

    calls: int
    call_ns: int
    operators_ns: Dict[str, int]


class LoadOptions(NamedTuple):
    """How a model is to be loaded; `warmup` untimed calls follow the first inference."""

    format: str = "onnx"
    batch: int = 1
    threads: int = 1
    precision: str = "f32"
    scenario: str = "latency"
    warmup: int = 0
    options: Mapping[str, Any] = {}
    concurrency: int = 1


class InferenceSession(Protocol):
    """A model that is loaded and compiled."""

    inputs: Sequence[TensorInfo]
    outputs: Sequence[TensorInfo]
    provider: Optional[str]
    precision: Optional[str]
    details: Mapping[str, Any]

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a callable that runs one inference on `feeds`."""

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return the outputs for `feeds` as numpy arrays."""


class Backend(Protocol):
    """A backend's module."""

    NAME: str
    FORMATS: Tuple[str, ...]

    def version(self) -> str:
        """Return the runtime's version."""

    def load(self, path: Optional[str], options: LoadOptions) -> InferenceSession:
        """Open the model file at `path`."""


def find(name: str) -> Any:
    """Return the module of backend `name`; KeyError if there is none, ImportError as it comes."""
    path = MODULES.get(name)
    if path is not None:
        return importlib.import_module(path)
    for point in _entry_points():
        if point.name == name:
            return point.load()
    raise KeyError(name)


def names() -> List[str]:
    """Return the names of all backends, third parties' included."""
    return sorted({*MODULES, *(point.name for point in _entry_points())})


def formats(name: str) -> Tuple[str, ...]:
    """Return the model formats backend `name` reads; a third party's module is asked."""
    return READS[name] if name in READS else tuple(find(name).FORMATS)


def installed_version(name: str) -> Optional[str]:
    """Return the version of the runtime without importing it, None if it is not installed.

    For SEVERAL_RUNTIMES it says which one, as in `ai-edge-litert 2.3.0`.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    import importlib.metadata

    for distribution in DISTRIBUTIONS.get(name, (name,)):
        try:
            version = importlib.metadata.version(distribution)
            return "%s %s" % (distribution, version) if name in SEVERAL_RUNTIMES else version
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def check_model(
    name: str, formats: Sequence[str], path: Optional[str], options: LoadOptions
) -> str:
    """Return `path`; ValueError for a format or option `name` does not know, FileNotFoundError."""
    if options.format not in formats:
        raise ValueError("%s reads %s, not %s" % (name, ", ".join(formats), options.format))
    unknown = sorted(set(options.options) - set(OPTIONS.get(name, options.options)))
    if unknown:
        known = ", ".join(sorted(OPTIONS[name])) or "none"
        raise ValueError("%s has no option %s; it has %s" % (name, ", ".join(unknown), known))
    if path is None:
        raise ValueError("%s needs a model file" % name)
    if not os.path.isfile(path):
        raise FileNotFoundError("no model file at %s" % path)
    return path


def option(name: str, key: str, options: LoadOptions) -> Any:
    """Return what was chosen for option `key` of backend `name`, or its default; ValueError."""
    choices = OPTIONS[name][key]
    value = options.options.get(key, choices[0])
    if type(value) is not type(choices[0]):
        wanted = type(choices[0]).__name__
        raise ValueError("%s: option %s should be of type %s, not %r" % (name, key, wanted, value))
    if len(choices) > 1 and value not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise ValueError("%s: option %s is one of %s, not %s" % (name, key, listed, value))
    return value


def _entry_points() -> List[Any]:
    import importlib.metadata  # slow, and no built-in backend's import should pay for it

    found: Any = importlib.metadata.entry_points()
    if hasattr(found, "select"):
        return list(found.select(group=GROUP))
    return list(found.get(GROUP, ()))  # Python 3.8 and 3.9
