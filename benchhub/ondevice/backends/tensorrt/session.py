"""An engine, loaded: one execution context, stream and set of buffers per callable."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.backends.tensorrt.build import EngineLog
from benchhub.ondevice.backends.tensorrt.cuda_driver import Buffer, CudaDriver
from benchhub.ondevice.backends.torch.event_clock import EventClock, Marks
from benchhub.ondevice.failed import Failed

_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}


class EngineSession:
    """A TensorRT engine on one GPU."""

    provider: Optional[str] = "tensorrt"

    def __init__(
        self, trt: Any, engine: Any, cuda: CudaDriver, log: EngineLog, details: Dict[str, Any]
    ) -> None:
        self._engine, self._cuda, self._log = engine, cuda, log
        tensors = {
            mode: [
                _tensor(engine, engine.get_tensor_name(index))
                for index in range(engine.num_io_tensors)
                if engine.get_tensor_mode(engine.get_tensor_name(index)) == mode
            ]
            for mode in (trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT)
        }
        self.inputs: List[TensorInfo] = tensors[trt.TensorIOMode.INPUT]
        self.outputs: List[TensorInfo] = tensors[trt.TensorIOMode.OUTPUT]
        self.precision: Optional[str] = str(details["precision"])
        self.details: Mapping[str, Any] = details
        self._own: Optional[EngineCall] = None

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call that copies `feeds` in, runs the engine and copies the outputs out."""
        return self._call(feeds)

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return copies of the outputs for `feeds`."""
        if self._own is None or not self._own.fits(feeds):
            if self._own is not None:
                self._own.close()
            self._own = self._call(feeds)
        self._own.fill(feeds)
        return [np.array(array) for array in self._own()]

    def _call(self, feeds: Mapping[str, Any]) -> "EngineCall":
        self._cuda.enter()
        context = self._engine.create_execution_context()
        if context is None:
            raise self._log.failure("no execution context, which holds the activations")
        return EngineCall(context, self._cuda, self._log, self.inputs, self.outputs, feeds)


class EngineCall:
    """One inference from host memory to host memory; see Backend for `begin` and `tracks`."""

    def __init__(
        self,
        context: Any,
        cuda: CudaDriver,
        log: EngineLog,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        feeds: Mapping[str, Any],
    ) -> None:
        self._context, self._cuda, self._log = context, cuda, log
        self._stream = cuda.stream()
        self._sources: Dict[str, Buffer] = {}
        self._targets: List[Buffer] = []
        for tensor in inputs:
            shape = tuple(feeds[tensor.name].shape)
            if not context.set_input_shape(tensor.name, shape):
                raise log.failure("input %s as %s" % (tensor.name, "x".join(map(str, shape))))
            self._sources[tensor.name] = Buffer(cuda, shape, tensor.dtype)
        for tensor in outputs:
            shape = tuple(context.get_tensor_shape(tensor.name))
            if any(size < 0 for size in shape):
                text = "the shape of output %s depends on the data, which benchhub cannot serve"
                raise Failed("unsupported", text % tensor.name)
            self._targets.append(Buffer(cuda, shape, tensor.dtype))
        for name, buffer in [
            *self._sources.items(),
            *((tensor.name, one) for tensor, one in zip(outputs, self._targets)),
        ]:
            context.set_tensor_address(name, buffer.device)
        self._inputs = list(self._sources.values())
        self._arrays = [target.array for target in self._targets]
        self._clock = EventClock(cuda.event, cuda.elapsed_ms)
        self.begin, self.tracks = self._clock.begin, self._clock.tracks
        self.fill(feeds)

    def fits(self, feeds: Mapping[str, Any]) -> bool:
        """Return whether `feeds` have the shapes this call was made for."""
        return all(feeds[name].shape == one.array.shape for name, one in self._sources.items())

    def fill(self, feeds: Mapping[str, Any]) -> None:
        """Put inputs of the same shapes in place."""
        for name, source in self._sources.items():
            np.copyto(source.array, feeds[name])

    def close(self) -> None:
        """Give the buffers back."""
        for buffer in [*self._inputs, *self._targets]:
            buffer.close()

    def __call__(self) -> List[Any]:
        """Return the outputs as arrays over page-locked memory, valid until the next call."""
        self._cuda.enter()
        marks, stream = self._clock.next(), self._stream
        self._mark(marks, 0)
        for source in self._inputs:
            source.copy_in(stream)
        self._mark(marks, 1)
        if not self._context.execute_async_v3(stream):
            raise self._log.failure("the engine did not run")
        self._mark(marks, 2)
        for target in self._targets:
            target.copy_out(stream)
        self._mark(marks, 3)
        self._cuda.synchronize(stream)
        return self._arrays

    def _mark(self, marks: Optional[Marks], index: int) -> None:
        if marks is not None:
            self._cuda.record(marks[index], self._stream)


def _tensor(engine: Any, name: str) -> TensorInfo:
    kind = str(engine.get_tensor_dtype(name)).rpartition(".")[2]
    if kind not in _DTYPES:
        raise ValueError("%s is of type %s, which benchhub cannot carry" % (name, kind))
    shape = tuple(None if size < 0 else int(size) for size in engine.get_tensor_shape(name))
    return TensorInfo(name, _DTYPES[kind], shape)
