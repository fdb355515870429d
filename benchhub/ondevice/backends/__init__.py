"""Inference runtimes: what lies in this folder is a backend, and describes itself as data.

A backend's module or package has BACKEND, a `Description`, and imports nothing but the standard
library and this. The module that BACKEND names as `runtime` imports what computes, keeps the
contract of `Runtime`, and is imported only by who runs it. A third party's is found through the
entry-point group `benchhub.backends` (see `benchhub.ondevice.third_parties`).

What every runtime promises:
- `load` opens one model file for one launch and returns an `InferenceSession`. It raises
  FileNotFoundError for a missing file and ValueError for a format, precision, option or thread
  count it cannot serve, with a message that says which: `check_model` and `option` do for what
  the description tells. It raises `failed.Failed` of kind `fallback` where another provider or
  device than the one asked for would run the model, `unsupported` for an operator that the
  runtime lacks, and load or a call raise it with kind `memory` where an accelerator's memory does
  not suffice, naming the size asked for.
- `bind(feeds)` prepares everything that can be prepared and returns a callable without
  arguments. One call is one inference on `feeds`; when it returns, the outputs can be read on the
  host: `[i]` of what it returns is output `i`, valid until the next call.
- Where `concurrency` is n, n callables of as many `bind` calls may run at once, each in a thread
  of its own (streams, sessions or interpreters: the backend's choice, told in `details`).
- A callable may have `begin(calls)`, called before at most that many timed calls, and `tracks()`,
  which returns after them, per name in wire.TRACKS, the nanoseconds of each call.
- The arrays of `feeds` are the session's until the call is dropped. Where `reads_feeds` is true
  they are read anew at each call, so that what is written into them is what the next call takes;
  else a callable may have `put(name, array)`, which replaces an input for the calls after it. A
  session with neither runs no model with state.
- Text is an array of Python strings, dtype `string` in a TensorInfo; who cannot take it says so.
- A session may have `profile(call, calls)`: it makes `calls` more of the call bound last and
  returns a Profile; None where it cannot tell. It is asked in scenario `profile` only, once, and
  only where the description has `profiles`.
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

from benchhub.ondevice.description import BackendOption, BadDescription, Description, LockFile

__all__ = [
    "PROFILE",
    "BackendOption",
    "BadDescription",
    "Description",
    "InferenceSession",
    "LoadOptions",
    "LockFile",
    "Profile",
    "Runtime",
    "TensorInfo",
    "check_model",
    "described",
    "find",
    "idle_option",
    "installed_version",
    "names",
    "option",
    "own_names",
]

#: The scenario in which a backend counts what each operator takes.
PROFILE = "profile"


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
    """How a model is to be loaded; `warmup` untimed calls follow the first inference.

    `shapes` are those in which inputs will be fed, by name; one that is not there has cases along
    its first axis, `batch` of them.
    """

    format: str = "onnx"
    batch: int = 1
    threads: int = 1
    precision: str = "f32"
    scenario: str = "latency"
    warmup: int = 0
    options: Mapping[str, Any] = {}
    concurrency: int = 1
    shapes: Mapping[str, Tuple[int, ...]] = {}


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


class Runtime(Protocol):
    """The module that a description names as `runtime`."""

    def version(self) -> str:
        """Return the runtime's version."""

    def load(self, path: Optional[str], options: LoadOptions) -> InferenceSession:
        """Open the model file at `path`."""


def described(name: str) -> Description:
    """Return how backend `name` describes itself; KeyError if there is none, BadDescription."""
    own = _own(name)
    if own is not None:
        return own
    from benchhub.ondevice import third_parties  # slow, and no built-in backend should pay for it

    return third_parties.described(name)


def find(name: str) -> Any:
    """Return the runtime's module of backend `name`, a `Runtime`.

    Raises what `described` does, and what the import raises.
    """
    return importlib.import_module(described(name).runtime)


def own_names() -> List[str]:
    """Return the names of benchhub's own backends: what lies in this folder."""
    import pkgutil

    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def names() -> List[str]:
    """Return the names of all backends, third parties' included; imports none of them."""
    from benchhub.ondevice import third_parties

    return sorted({*own_names(), *(one.name for one in third_parties.registered())})


def installed_version(backend: Description) -> Optional[str]:
    """Return the version of the runtime without importing it, None if it is not installed.

    Where the description says `names_distribution` it tells which: `ai-edge-litert 2.3.0`.
    """
    if not backend.distributions:
        return backend.version
    import importlib.metadata

    for distribution in backend.distributions:
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
        return "%s %s" % (distribution, version) if backend.names_distribution else version
    return None


def check_model(backend: Description, path: Optional[str], options: LoadOptions) -> str:
    """Return `path`; FileNotFoundError, or ValueError for what `backend` is not described with.

    That is a format, a precision or an option that it does not know.
    """
    name = backend.name
    if options.format not in backend.formats:
        listed = ", ".join(backend.formats)
        raise ValueError("%s reads %s, not %s" % (name, listed, options.format))
    if options.precision not in backend.precisions:
        *others, last = backend.precisions
        listed = "%s or %s" % (", ".join(others), last) if others else last
        raise ValueError(
            "%s computes in %s, not %s; convert the model instead"
            % (name, listed, options.precision)
        )
    unknown = sorted(set(options.options) - set(backend.options))
    if unknown:
        known = ", ".join(sorted(backend.options)) or "none"
        raise ValueError("%s has no option %s; it has %s" % (name, ", ".join(unknown), known))
    idle = idle_option(backend, options.options)
    if idle is not None:
        raise ValueError("%s: %s" % (name, idle))
    if path is None:
        raise ValueError("%s needs a model file" % name)
    if not os.path.isfile(path):
        raise FileNotFoundError("no model file at %s" % path)
    return path


def option(backend: Description, key: str, options: LoadOptions) -> Any:
    """Return what was chosen for option `key` of a backend, or its default; ValueError."""
    known = backend.options[key]
    value = options.options.get(key, known.default)
    if type(value) is not type(known.default):
        raise ValueError(
            "%s: option %s should be of type %s, not %r"
            % (backend.name, key, type(known.default).__name__, value)
        )
    if known.choices and value not in known.choices:
        listed = ", ".join(str(choice) for choice in known.choices)
        raise ValueError("%s: option %s is one of %s, not %s" % (backend.name, key, listed, value))
    if known.least is not None and value < known.least:
        text = "%s: option %s should be %d or more, not %d"
        raise ValueError(text % (backend.name, key, known.least, value))
    return value


def idle_option(backend: Description, options: Mapping[str, Any]) -> Optional[str]:
    """Return which of the options chosen changes nothing, and what it needs; None: none of them."""
    for key in sorted(options):
        known = backend.options[key]
        usual = type(options[key]) is not type(known.default) or options[key] == known.default
        if known.needs is None or usual:  # of another type: `option` says so
            continue
        other, value = known.needs
        if options.get(other, backend.options[other].default) != value:
            return "%s changes nothing without %s = %s" % (key, other, value)
    return None


def _own(name: str) -> Optional[Description]:
    path = "%s.%s" % (__name__, name)
    if not name.isidentifier():
        return None
    try:
        module: Any = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None
    own: Description = module.BACKEND
    return own
