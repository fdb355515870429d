"""OpenVINO: one compiled model, and an infer request of its own for each bound call.

Of the options, `streams` = 0 is as many as calls at once, or the plugin's choice under the
throughput hint. Each request is called synchronously; calls at once come from as many
threads. Open sizes are fixed to those of the launch before compiling. What runs on another
device, in another precision or on other cores than was asked for fails rather than being measured
under a wrong name.
"""

import time
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np
import openvino

from benchhub.ondevice.backends import (
    PROFILE,
    LoadOptions,
    Profile,
    TensorInfo,
    check_model,
    option,
)
from benchhub.ondevice.backends.openvino import BACKEND, devices
from benchhub.ondevice.failed import Failed

#: Types of inputs and outputs that arrays of numpy hold as they are.
_CARRIED = ("f16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "boolean")
#: Formats that OpenVINO recognises by content and would read under ONNX's name.
_FOREIGN = ((4, b"TFL3", "a TensorFlow Lite model"), (0, b"PK", "an archive, like PyTorch's"))


def version() -> str:
    """Return the version of openvino."""
    return str(openvino.__version__).split("-", maxsplit=1)[0]


class OpenvinoSession:
    """A compiled model; `precision` is the hint that the plugin says is in force."""

    reads_feeds = True

    def __init__(
        self,
        compiled: Any,
        in_force: devices.InForce,
        details: Mapping[str, Any],
        profiled: bool = False,
    ) -> None:
        self.inputs = [_tensor(port) for port in compiled.inputs]
        self.outputs = [_tensor(port) for port in compiled.outputs]
        self.precision: Optional[str] = in_force.precision
        self.provider: Optional[str] = "+".join(in_force.devices)
        self.details: Mapping[str, Any] = details
        self._compiled = compiled
        fixed = all(port.get_partial_shape().is_static for port in compiled.outputs)
        self._direct = fixed and details["device_asked"] == "CPU"
        self._held: List[Any] = []
        self._spare: Any = None
        self._profiled = profiled
        self._last: Any = None
        self._made = 0

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call of a new request; a profile counts how many there were."""
        call = self._bind(feeds)
        return self._counted(call) if self._profiled else call

    def _bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call of a new request on tensors that share memory with `feeds`.

        Outputs are not copied.
        """
        request = self._request()
        held = dict(feeds)
        self._share(request, held)
        self._last = request
        self._held.append(held)  # a request does not keep its inputs' arrays alive
        if not self._direct:
            return self._careful(
                partial(request.infer, None, share_inputs=True, share_outputs=True)
            )
        # The method that `infer` extends: its dispatch over input types, and the dictionary it
        # makes of the outputs, take 15 us a call that are not inference.
        plain: Any = super(type(request), request)
        infer = plain.infer
        outputs = [request.get_output_tensor(index).data for index in range(len(self.outputs))]

        def call() -> Any:
            try:
                infer({}, True, False)
            except (RuntimeError, MemoryError) as error:
                raise self._attributed(error) from error
            return outputs

        return call

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return copies of the outputs for `feeds`."""
        if self._spare is None:
            self._spare = self._request()
        held = dict(feeds)
        self._share(self._spare, held)
        call = partial(self._spare.infer, None, share_inputs=True, share_outputs=True)
        found = self._careful(call)()
        return [np.array(found[index]) for index in range(len(self.outputs))]

    def profile(self, call: Callable[[], Any], calls: int) -> Optional[Profile]:
        """Return where `calls` more calls spend their time; None: it was not asked to count.

        A type is followed by what it computed in, as far as its kernel's name tells. The runtime
        tells means over all calls so far, in whole microseconds, so those before are taken off.
        """
        if not self._profiled:
            return None
        before, before_us = self._made, self._operators_us()
        started = time.perf_counter_ns()
        for _ in range(calls):
            call()
        call_ns = (time.perf_counter_ns() - started) // calls
        after_us = self._operators_us()
        taken = {
            name: 1000 * max(0, mean * self._made - before_us.get(name, 0) * before) // calls
            for name, mean in after_us.items()
        }
        return Profile(calls, call_ns, taken)

    def _operators_us(self) -> Dict[str, int]:
        """Return the mean microseconds of each operator type over all calls so far."""
        found: Dict[str, int] = {}
        for node in self._careful(lambda: self._last.profiling_info)():
            taken_us = node.real_time.seconds * 1_000_000 + node.real_time.microseconds
            if taken_us:
                computed_in = node.exec_type.rpartition("_")[2].lower()
                name = ("%s %s" % (node.node_type, computed_in)).replace(" undef", "")
                found[name] = found.get(name, 0) + taken_us
        return found

    def _counted(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def counted() -> Any:
            self._made += 1
            return call()

        return counted

    def _request(self) -> Any:
        return self._careful(self._compiled.create_infer_request)()

    def _careful(self, function: Callable[[], Any]) -> Callable[[], Any]:
        def call() -> Any:
            try:
                return function()
            except (RuntimeError, MemoryError) as error:
                raise self._attributed(error) from error

        return call

    def _attributed(self, error: Exception) -> Exception:
        return _attributed(error, str(self.provider))

    def _share(self, request: Any, feeds: Mapping[str, Any]) -> None:
        for index, tensor in enumerate(self.inputs):
            shared = openvino.Tensor(feeds[tensor.name], shared_memory=True)
            request.set_input_tensor(index, shared)


def load(path: Optional[str], options: LoadOptions) -> OpenvinoSession:
    """Compile an ONNX file; f32 is forced unless bf16 or f16 was asked for."""
    path = check_model(BACKEND, path, options)
    device = option(BACKEND, "device", options)
    hint = option(BACKEND, "hint", options)
    streams = option(BACKEND, "streams", options)
    further = {name: option(BACKEND, name, options) for name in devices.FURTHER}
    core = openvino.Core()
    devices.check_available(core, device)
    settings = devices.settings(core, device, hint, streams, options)
    settings.update(devices.further(core, device, further))
    if options.scenario == PROFILE:
        settings["PERF_COUNT"] = True
    try:
        model = _read(core, path, options)
        compiled = core.compile_model(model, device, settings)
    except (RuntimeError, MemoryError) as error:
        raise _attributed(error, device) from error
    in_force = devices.InForce(core, compiled)
    _check_in_force(in_force, device, options.precision)
    devices.check_further(in_force, further)
    details = _details(in_force, device, hint, streams, options)
    return OpenvinoSession(compiled, in_force, details, options.scenario == PROFILE)


def _read(core: Any, path: str, options: LoadOptions) -> Any:
    with open(path, "rb") as file:
        start = file.read(8)
    for offset, mark, what in _FOREIGN:
        if start[offset:].startswith(mark):
            raise ValueError("this is %s, not an ONNX model" % what)
    model = core.read_model(path)
    shapes = {}
    for port in model.inputs:
        shape = port.get_partial_shape()
        if not shape.rank.is_static or not len(shape):
            continue
        fed = options.shapes.get(_name(port))
        if fed is not None and len(fed) == len(shape) and shape.is_dynamic:
            shapes[port.get_any_name()] = list(fed)
        elif fed is None and shape[0].is_dynamic:
            shapes[port.get_any_name()] = [options.batch, *list(shape)[1:]]
    if shapes:
        model.reshape(shapes)
    return model


def _attributed(error: Exception, device: str) -> Exception:
    # Imported where it is needed: what it compiles would add to the import's time.
    from benchhub.ondevice.backends.openvino.errors import attributed

    return attributed(error, device, version())


def _check_in_force(in_force: devices.InForce, device: str, precision: str) -> None:
    there = "+".join(in_force.devices)
    if device != "AUTO" and any(name.split(".")[0] != device for name in in_force.devices):
        raise Failed("fallback", "openvino put the model on %s, not %s" % (there, device))
    found = in_force.precision
    if found not in (None, precision):
        raise Failed(
            "fallback",
            "openvino computes in %s on this %s (%s), not %s; ask for %s"
            % (found, there, ", ".join(in_force.full_names), precision, found),
        )


def _details(
    in_force: devices.InForce, device: str, hint: str, streams: int, options: LoadOptions
) -> Dict[str, Any]:
    on_cpu = in_force.devices == ["CPU"]
    details: Dict[str, Any] = {
        "device_asked": device,
        "devices": in_force.devices,
        "device_names": in_force.full_names,
        "threads_asked": options.threads * options.concurrency,
        "threads": in_force.number("INFERENCE_NUM_THREADS"),
        "threads_at_once": options.concurrency * (options.threads if on_cpu else 1),
        "hint_asked": hint,
        "performance_hint": in_force.performance_hint,
        "streams_asked": streams,
        "streams": in_force.number("NUM_STREAMS"),
        "optimal_requests": in_force.number("OPTIMAL_NUMBER_OF_INFER_REQUESTS"),
        "requests": options.concurrency,
        "request": "synchronous, one a caller",
        "build": str(openvino.__version__),
        **in_force.further,
    }
    if not on_cpu:
        details["copies"] = "a call begins and ends with its inputs and outputs on the host"
    return details


def _tensor(port: Any) -> TensorInfo:
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    kind = port.get_element_type()
    if kind.get_type_name() not in _CARRIED:  # `to_dtype` names another type for bfloat16
        text = "openvino %s: %s is %s, which cannot be carried; export the model without it"
        raise Failed("unsupported", text % (version(), _name(port), kind.get_type_name()))
    return TensorInfo(_name(port), np.dtype(kind.to_dtype()).name, shape)


def _name(port: Any) -> str:
    """Return the name that the model file gives a tensor.

    A tensor behind a folded Cast has several names; a parameter's node keeps the file's own, and
    the node of an output is called `<name>/sink_port_<n>`.
    """
    own = str(port.node.friendly_name).partition("/sink_port_")[0]
    return own if own in port.get_names() else str(port.get_any_name())
