"""The stages of one launch, in order; every failure names the stage it happened in."""

import gc
import os
import sys
import time
from array import array
from typing import Any, Callable, Mapping, Optional

from benchhub.ondevice import memory
from benchhub.ondevice.importing import Imported
from benchhub.ondevice.job import Job, encode_ints
from benchhub.ondevice.loop import time_calls

_NS = 1_000_000_000
_MESSAGE_CHARS = 500
#: Samples are kept in memory, eight bytes each, and are allocated before the first one.
MOST_ITERATIONS = 10_000_000


class Failed(Exception):
    """A failure whose kind is known."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Measurement:
    """One job on its way through the stages after the import; `emit` takes the events."""

    def __init__(
        self, job: Job, root: str, imported: Imported, emit: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._job = job
        self._imported = imported
        self._blobs = os.path.join(root, "blobs")
        self._emit = emit
        self._stage = "import"

    def run(self) -> None:
        """Measure, or report why not; only the end of the process itself is not reported."""
        try:
            self._measure()
        except Failed as failed:
            self._fail(failed.kind, str(failed))
        except Exception as error:  # noqa: BLE001 - the top frame: whatever a backend raises is a result
            self._fail("raised", "%s: %s" % (type(error).__name__, error))

    def _fail(self, kind: str, text: str) -> None:
        message = " ".join(text.split())[:_MESSAGE_CHARS]
        self._emit({"event": "failed", "stage": self._stage, "kind": kind, "message": message})

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._emit({"event": "stage", "stage": stage})

    def _measure(self) -> None:
        job = self._job
        backend = _module(job.backend, self._imported)
        from benchhub.ondevice.backends import LoadOptions
        from benchhub.ondevice.batches import Batches

        gc.collect()
        was_reset = memory.reset_peak()
        imported = memory.usage()

        self._enter("load")
        options = LoadOptions(
            format=job.model_format,
            batch=job.batch,
            threads=job.threads,
            precision=job.precision,
            scenario=job.scenario,
            warmup=job.warmup,
            options=job.options,
        )
        model = None if job.model is None else self._blob(job.model)
        started = time.perf_counter_ns()
        session = backend.load(model, options)
        load_ns = time.perf_counter_ns() - started
        self._emit(
            {
                "event": "ready",
                "import_ns": self._imported.elapsed_ns,
                "load_ns": load_ns,
                "backend_version": backend.version(),
                "provider": session.provider,
                "precision": session.precision,
                "clock": "perf_counter_ns",
                "details": dict(session.details),
            }
        )

        self._enter("first")
        files = {name: self._blob(digest) for name, digest in job.inputs.items()}
        batches = Batches(files, session.inputs, job.batch)
        call = session.bind(batches.feeds(0))
        started = time.perf_counter_ns()
        call()
        first_ns = time.perf_counter_ns() - started
        self._emit({"event": "first", "first_inference_ns": first_ns})

        self._time(call)
        used = memory.usage()  # before the outputs are encoded, which takes memory of its own
        self._outputs(session, batches)

        self._enter("memory")
        self._emit(
            {
                "event": "memory",
                "imported_rss_bytes": imported.rss_bytes,
                "peak_rss_bytes": used.peak_bytes,
                "reset": was_reset,
            }
        )

    def _time(self, call: Callable[[], Any]) -> None:
        job = self._job
        limit_ns = int(job.max_timed_s * _NS)
        if max(job.iterations, job.warmup) > MOST_ITERATIONS:
            text = "%d iterations; at most %d fit into memory" % (job.iterations, MOST_ITERATIONS)
            raise Failed("raised", text)
        warm = array("q", bytes(8 * max(0, job.warmup)))
        timed = array("q", bytes(8 * max(0, job.iterations)))
        clock = time.perf_counter_ns
        gc.collect()
        gc.disable()
        if job.warmup > 0:
            self._enter("warmup")
            count, _ = time_calls(call, clock, warm, job.warmup, 1, limit_ns)
            self._emit({"event": "warmup", "samples": encode_ints(warm[:count])})
        if job.iterations > 0:
            self._enter("time")
            count, elapsed_ns = time_calls(
                call, clock, timed, job.iterations, job.min_iterations, limit_ns
            )
            samples = encode_ints(timed[:count])
            self._emit({"event": "samples", "samples": samples, "elapsed_ns": elapsed_ns})
        gc.enable()

    def _outputs(self, session: Any, batches: Any) -> None:
        from benchhub.ondevice import outputs

        sizes = batches.sizes(self._job.output_cases)
        if not sizes:
            return
        self._enter("outputs")
        for index, count in enumerate(sizes):
            arrays = session.run(batches.feeds(index))
            try:
                outputs.check(session.outputs, arrays, self._job.batch)
            except outputs.ShapeError as error:
                raise Failed("shape", str(error)) from error
            for event in outputs.events(session.outputs, arrays, count):
                self._emit(event)

    def _blob(self, digest: str) -> str:
        path = os.path.join(self._blobs, digest)
        if not os.path.isfile(path):
            raise Failed("blob", "%s is not on the device; stage it again" % digest[:12])
        return path


def _module(name: str, imported: Imported) -> Any:
    """Return the backend; what is not there is reported as missing."""
    error = imported.error
    if error is None:
        return imported.module
    interpreter = "Python %d.%d (%s)" % (*sys.version_info[:2], sys.executable)
    if isinstance(error, ImportError):
        missing: Optional[str] = error.name
        raise Failed(
            "missing",
            "%s cannot be imported by %s: %s" % (missing or name, interpreter, error),
        ) from error
    if isinstance(error, KeyError):
        raise Failed("missing", "no backend named %s in %s" % (error, interpreter)) from error
    raise error
