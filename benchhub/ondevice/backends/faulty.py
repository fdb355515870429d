"""A backend that misbehaves on purpose, to see that every failure ends up where it belongs.

Options: `fault` is raise, segfault, hang, exit, nan, shape or garbage; `at` is load or time (the
first timed call). The last three alter the outputs of onnxruntime, which runs the model; the
others need no model.
"""

import ctypes
import os
import time
from typing import Any, Callable, List, Mapping, Optional

from benchhub.ondevice.backends import (
    BackendOption,
    Description,
    LoadOptions,
    TensorInfo,
    check_model,
    option,
)

BACKEND = Description(
    name="faulty",
    runtime=__name__,
    formats=("onnx",),
    precisions=("f32",),
    options={
        "fault": BackendOption(
            "raise", ("raise", "segfault", "hang", "exit", "nan", "shape", "garbage")
        ),
        "at": BackendOption("time", ("time", "load")),
    },
    version="1",
    for_tests=True,
)

_OUTPUT_FAULTS = ("nan", "shape", "garbage")


def version() -> str:
    """Return a constant: the faults do not change."""
    return str(BACKEND.version)


class FaultySession:
    """Wraps a session, or nothing, and goes wrong at the call it was told to."""

    def __init__(self, inner: Optional[Any], options: LoadOptions) -> None:
        self._inner = inner
        self._fault = option(BACKEND, "fault", options)
        self._good_calls = 1 + options.warmup
        self.inputs: List[TensorInfo] = list(inner.inputs) if inner else []
        self.outputs: List[TensorInfo] = list(inner.outputs) if inner else []
        self.provider: Optional[str] = "faulty"
        self.precision: Optional[str] = "f32"
        self.details: Mapping[str, Any] = {"fault": self._fault}

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call that is good until the first timed one."""
        calls = 0

        def call() -> Any:
            nonlocal calls
            calls += 1
            if calls > self._good_calls and self._fault not in _OUTPUT_FAULTS:
                _misbehave(self._fault)
            return self.run(feeds)

        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return the outputs of the real session, spoiled."""
        arrays = self._inner.run(feeds) if self._inner else []
        return [_spoil(self._fault, array) for array in arrays]


def load(path: Optional[str], options: LoadOptions) -> FaultySession:
    """Go wrong at once, or return a session that will."""
    fault = option(BACKEND, "fault", options)
    if option(BACKEND, "at", options) == "load":
        _misbehave(fault)
    inner = None
    if path is not None or fault in _OUTPUT_FAULTS:
        from benchhub.ondevice.backends.onnxruntime import runtime as onnxruntime

        model = check_model(BACKEND, path, options)
        inner = onnxruntime.load(model, options._replace(options={}))
    return FaultySession(inner, options)


def _misbehave(fault: Any) -> None:
    if fault == "raise":
        raise RuntimeError("a fault that was asked for")
    if fault == "segfault":
        ctypes.string_at(0)
    if fault == "exit":
        os._exit(7)
    while fault == "hang":
        time.sleep(60)
    raise ValueError("unknown fault %r" % (fault,))


def _spoil(fault: str, array: Any) -> Any:
    import numpy as np  # devices without it read the description all the same

    if fault == "nan":
        return np.full_like(array, np.nan)
    if fault == "shape":
        return array[..., :-1]
    if fault == "garbage":
        return np.random.default_rng(0).normal(size=array.shape).astype(array.dtype)
    return array
