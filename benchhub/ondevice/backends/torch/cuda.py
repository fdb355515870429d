"""PyTorch on a CUDA device: pinned buffers, one stream a callable, events on the device's clock.

A call copies its inputs from pinned host memory to the device, computes, copies the outputs back
and waits for them. With graphs, the computation alone is captured: the copies stay outside, so
that their times can be told apart.
"""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.backends.torch.compute import Compute, attributed, explained
from benchhub.ondevice.backends.torch.event_clock import EventClock, Marks
from benchhub.ondevice.backends.torch.nvidia import driver_version
from benchhub.ondevice.failed import Failed

#: Parts of these have no types, in some releases.
_cuda: Any = torch.cuda
_cudnn: Any = torch.backends.cudnn

#: Passes before a graph is captured: libraries choose algorithms and allocate on the first ones.
CAPTURE_WARMUP = 3


def check_device() -> None:
    """Raise Failed where there is no CUDA device to run on; the CPU never stands in for it."""
    if torch.version.cuda is None:
        text = "torch %s was built without CUDA; install a CUDA build of torch, or set device = cpu"
        raise Failed("missing", text % torch.__version__)
    if not torch.cuda.is_available():
        text = (
            "torch %s (CUDA %s) finds no usable GPU, driver %s; run nvidia-smi, or set device = cpu"
        )
        known = driver_version() or "not loaded"
        raise Failed("fallback", text % (torch.__version__, torch.version.cuda, known))


def set_flags(tf32: bool) -> None:
    """Allow TF32 or forbid it, and let cuDNN time its algorithms: shapes are fixed here."""
    if tf32 and torch.cuda.get_device_capability()[0] < 8:
        text = "%s has no TF32, which came with compute capability 8.0"
        raise Failed("unsupported", text % torch.cuda.get_device_name())
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def device_details() -> Dict[str, Any]:
    """Return what shapes a GPU's speed, as torch and the driver tell it."""
    return {
        "gpu": torch.cuda.get_device_name(),
        "compute_capability": "%d.%d" % torch.cuda.get_device_capability(),
        "gpu_memory_bytes": torch.cuda.get_device_properties(0).total_memory,
        "driver": driver_version(),
        "cuda": torch.version.cuda,
        "cudnn": _cudnn.version(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "matmul_allow_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_allow_tf32": torch.backends.cudnn.allow_tf32,
        "host_buffers": "pinned",
        "streams": "one a callable",
        "device_clock": "CUDA events",
    }


class Cuda:
    """What a call needs of torch.cuda."""

    device = "cuda"

    def stream(self) -> Any:
        """Return a new stream."""
        return _cuda.Stream()

    def enter(self, stream: Any) -> None:
        """Make `stream` the present thread's."""
        _cuda.set_stream(stream)

    def event(self, stream: Any) -> Any:
        """Return an event; torch makes the real one only when it is first recorded."""
        event = _cuda.Event(enable_timing=True)
        event.record(stream)
        return event

    def synchronize(self) -> None:
        """Wait for everything."""
        torch.cuda.synchronize()

    def pinned(self, shape: Sequence[int], dtype: Any) -> Any:
        """Return page-locked host memory, which copies can run on without the CPU."""
        return torch.empty(tuple(shape), dtype=dtype, pin_memory=True)

    def captured(self, stream: Any, compute: Callable[[], Any]) -> Tuple[Callable[[], None], Any]:
        """Return a replay of what `compute` launches, and the outputs it will always write to."""
        graph = _cuda.CUDAGraph()
        # thread_local: other callables may allocate in their own threads meanwhile
        with _cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            outputs = compute()
        return graph.replay, outputs


class CudaSession:
    """A module on a GPU; every callable has buffers, a stream and, if asked for, a graph."""

    provider: Optional[str] = "cuda"

    def __init__(
        self,
        compute: Compute,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        precision: str,
        details: Dict[str, Any],
        graphs: bool,
        cuda: Optional[Cuda] = None,
    ) -> None:
        self._compute, self._graphs, self._cuda = compute, graphs, cuda or Cuda()
        self.inputs, self.outputs = inputs, outputs
        self.precision: Optional[str] = precision
        self.details: Mapping[str, Any] = details
        self._own: Optional[CudaCall] = None

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], Any]:
        """Return a call that copies `feeds` in, computes and copies the outputs out."""
        return self._call([feeds[tensor.name] for tensor in self.inputs])

    def run(self, feeds: Mapping[str, Any]) -> List[Any]:
        """Return copies of the outputs for `feeds`."""
        arrays = [feeds[tensor.name] for tensor in self.inputs]
        if self._own is None or not self._own.fits(arrays):
            self._own = None  # its buffers go before the next ones come
            self._own = self._call(arrays)
        self._own.fill(arrays)
        return [np.array(array) for array in self._own()]

    def gpu_bytes(self) -> Optional[int]:
        """Return the most that torch's allocator held at once, cached blocks included."""
        return int(torch.cuda.max_memory_reserved())

    def _call(self, arrays: Sequence[Any]) -> "CudaCall":
        with attributed("cuda"):
            return CudaCall(self._cuda, self._compute, arrays, self._graphs)


class CudaCall:
    """One inference from host memory to host memory; see Backend for `begin` and `tracks`."""

    def __init__(self, cuda: Cuda, compute: Compute, arrays: Sequence[Any], graphs: bool) -> None:
        self._cuda, self._compute = cuda, compute
        self._stream: Any = cuda.stream()
        given = [torch.from_numpy(array) for array in arrays]
        self._sources = [cuda.pinned(tensor.shape, tensor.dtype) for tensor in given]
        self._inputs = [torch.empty_like(tensor, device=cuda.device) for tensor in given]
        self._targets: List[Any] = []
        self._arrays: List[Any] = []
        self._static: List[Any] = []
        self._replay: Optional[Callable[[], None]] = None
        self._clock = EventClock(
            lambda: cuda.event(self._stream), lambda first, last: float(first.elapsed_time(last))
        )
        self.begin, self.tracks = self._clock.begin, self._clock.tracks
        self.fill(arrays)
        cuda.synchronize()  # weights and buffers came on another stream
        if graphs:
            self._capture()

    def fits(self, arrays: Sequence[Any]) -> bool:
        """Return whether `arrays` have the shapes this call was made for."""
        return [array.shape for array in arrays] == [tuple(one.shape) for one in self._sources]

    def fill(self, arrays: Sequence[Any]) -> None:
        """Put inputs of the same shapes in place."""
        for source, array in zip(self._sources, arrays):
            np.copyto(source.numpy(), array)

    def __call__(self) -> List[Any]:
        """Return the outputs as arrays over pinned memory, valid until the next call."""
        try:
            return self._once(self._clock.next())
        except RuntimeError as error:
            known = explained(error, "cuda")
            if known is None:
                raise
            raise known from error

    def _once(self, marks: Optional[Marks]) -> List[Any]:
        stream = self._stream
        self._cuda.enter(stream)
        with torch.inference_mode():
            if marks:
                marks[0].record(stream)
            for source, tensor in zip(self._sources, self._inputs):
                tensor.copy_(source, non_blocking=True)
            if marks:
                marks[1].record(stream)
            if self._replay is not None:
                self._replay()
                outputs = self._static
            else:
                outputs = self._compute(self._inputs)
            if marks:
                marks[2].record(stream)
            if not self._targets:
                self._targets = [self._cuda.pinned(one.shape, one.dtype) for one in outputs]
                self._arrays = [target.numpy() for target in self._targets]
            for tensor, target in zip(outputs, self._targets):
                target.copy_(tensor, non_blocking=True)
            if marks:
                marks[3].record(stream)
        stream.synchronize()
        return self._arrays

    def _capture(self) -> None:
        self._cuda.enter(self._stream)
        with torch.inference_mode():
            for source, tensor in zip(self._sources, self._inputs):
                tensor.copy_(source)
            for _ in range(CAPTURE_WARMUP):
                self._compute(self._inputs)
            self._cuda.synchronize()
            self._replay, self._static = self._cuda.captured(
                self._stream, lambda: self._compute(self._inputs)
            )
