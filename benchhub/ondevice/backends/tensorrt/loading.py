"""An engine for one launch: kept from an earlier one, or built now and kept."""

import hashlib
from typing import Any, Dict

from benchhub.ondevice.backends.tensorrt.build import (
    EngineLog,
    EngineRequest,
    build,
    made,
    typing_for,
)
from benchhub.ondevice.backends.tensorrt.cache import EngineCache, Identity, digest_of, root_of
from benchhub.ondevice.backends.tensorrt.cuda_driver import CudaDriver
from benchhub.ondevice.backends.tensorrt.session import EngineSession
from benchhub.ondevice.backends.torch.nvidia import driver_version


def environment(trt: Any, cuda: CudaDriver) -> Dict[str, Any]:
    """Return what an engine cannot outlive: GPU, driver, TensorRT."""
    return {
        "gpu": cuda.name(),
        "compute_capability": cuda.compute_capability(),
        "driver": driver_version() or "unknown",
        "cuda_driver": cuda.version(),
        "tensorrt": str(trt.__version__),
    }


def open_engine(trt: Any, cuda: CudaDriver, model: str, request: EngineRequest) -> EngineSession:
    """Return a session on the engine for `model`; see Backend for what it raises."""
    log = EngineLog(trt)
    here = environment(trt, cuda)
    # What a precision stands for may change with benchhub itself: the flags tell.
    made_for = dict(here, flags=_flags(trt, request.precision))
    identity = Identity(dict(request._asdict(), model=digest_of(model)), made_for)
    cache = EngineCache(root_of(model))
    kept = cache.find(identity)
    blob, facts, reason = kept.blob, dict(kept.facts), kept.reason
    trt.init_libnvinfer_plugins(log.logger, "")  # what the parser maps some operators to
    runtime = made(trt.Runtime, log)
    engine = None
    if blob is not None:
        engine = runtime.deserialize_cuda_engine(blob)
        if engine is None:
            reason = "built again: TensorRT does not take the kept engine (%s)" % (
                "; ".join(log.lines[:1]) or "no reason"
            )
            log.lines.clear()
    if engine is None:
        blob, facts = build(trt, model, request, log)
        cache.keep(identity, blob, facts)
        engine = runtime.deserialize_cuda_engine(blob)
        if engine is None:
            raise log.failure("the engine just built cannot be loaded")
    return EngineSession(trt, engine, cuda, log, _details(here, facts, blob or b"", reason, engine))


def _flags(trt: Any, precision: str) -> str:
    typing = typing_for(trt, precision)
    return " ".join([*typing.network, *typing.on, *("no %s" % name for name in typing.off)])


def _details(
    here: Dict[str, Any], facts: Dict[str, Any], blob: bytes, reason: str, engine: Any
) -> Dict[str, Any]:
    details = {key: value for key, value in facts.items() if key not in ("sha256", "environment")}
    details.update(here)
    details.update(
        engine_sha256=hashlib.sha256(blob).hexdigest(),
        engine_bytes=len(blob),
        engine=reason,
        activation_bytes=int(getattr(engine, "device_memory_size_v2", 0)) or None,
        host_buffers="page-locked",
        streams="one context and stream a callable",
        device_clock="CUDA events",
    )
    return details
