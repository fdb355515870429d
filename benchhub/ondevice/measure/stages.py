"""The stages of one launch, in order; every failure names the stage it happened in."""

import functools
import gc
import os
import sys
import time
from array import array
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from benchhub.ondevice.failed import OWN_KINDS, OWN_TRACKS, Failed
from benchhub.ondevice.job import Job, encode_ints, form_of, model_path
from benchhub.ondevice.measure import memory
from benchhub.ondevice.measure.importing import ImportedBackend
from benchhub.ondevice.measure.loop import time_calls
from benchhub.ondevice.measure.plain import told

_NS = 1_000_000_000
#: Energy is told where the calls are what a cell is about.
_WITH_ENERGY = ("latency", "throughput", "paced")
_COUNTERS = ("/sys/class/powercap", "/sys/class/hwmon")
#: Samples are kept in memory, eight bytes each, and are allocated before the first one.
MOST_ITERATIONS = 10_000_000


class Measurement:
    """One job on its way through the stages after the import; `emit` takes the events."""

    def __init__(
        self,
        job: Job,
        root: str,
        imported: ImportedBackend,
        emit: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._job = job
        self._imported = imported
        self._root = root
        self._blobs = os.path.join(root, "blobs")
        self._emit = emit
        self._stage = "import"
        #: What is to be told beside a session's own details.
        self._told: Dict[str, Any] = {}

    def run(self) -> None:
        """Measure, or report why not; only the end of the process itself is not reported."""
        try:
            self._measure()
        except Failed as failed:
            self._fail(failed.kind if failed.kind in OWN_KINDS else "raised", str(failed))
        except MemoryError as error:
            self._fail("memory", "%s: %s" % (type(error).__name__, error))
        except Exception as error:  # noqa: BLE001 - the top frame: whatever a backend raises is a result
            self._fail("raised", "%s: %s" % (type(error).__name__, error))

    def _fail(self, kind: str, text: str) -> None:
        from benchhub.ondevice.cause import cause  # most launches do without

        failed = {"event": "failed", "stage": self._stage, "kind": kind, "message": cause(text)}
        self._emit(failed)

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._emit({"event": "stage", "stage": stage})

    def _measure(self) -> None:
        job = self._job
        backend = _module(job.backend, self._imported)
        from benchhub.ondevice.backends import LoadOptions
        from benchhub.ondevice.measure.allowance import allowance
        from benchhub.ondevice.measure.batches import Batches, opened

        # Before the load: a runtime may pin the very thread that asks.
        self._told["processors"] = allowance()
        gc.collect()
        was_reset = memory.reset_peak()
        imported = memory.usage()

        self._enter("load")
        forms = {name: form_of(job, name) for name in job.forms}
        files = {name: self._blob(digest) for name, digest in job.inputs.items()}
        batches = Batches(opened(files), job.batch, forms)
        options = LoadOptions(
            format=job.model_format,
            batch=job.batch,
            threads=job.threads,
            precision=job.precision,
            scenario=job.scenario,
            warmup=job.warmup,
            options=job.options,
            concurrency=job.concurrency,
            shapes=batches.shapes,
        )
        model = self._model()
        started = time.perf_counter_ns()
        session = backend.load(model, options)
        load_ns = time.perf_counter_ns() - started
        self._emit(
            {
                "event": "ready",
                "import_ns": self._imported.elapsed_ns,
                "load_ns": load_ns,
                "backend_version": str(backend.version()),
                "provider": _text(session.provider),
                "precision": _text(session.precision),
                "clock": "perf_counter_ns",
                "details": told({**session.details, **self._told}),
            }
        )

        self._enter("first")
        batches.fit(session.inputs)
        call: Any = self._bound(session, batches)
        started = time.perf_counter_ns()
        call()
        first_ns = time.perf_counter_ns() - started
        if batches.state:
            call.advance()
        self._emit({"event": "first", "first_inference_ns": first_ns})

        streams = None
        if job.rate_per_s is not None or job.concurrency > 1:
            from benchhub.ondevice.measure.streams import Streams  # most launches do without

            streams = Streams(job, call, session, batches)
        if job.scenario == "profile":
            self._profile(session, call)
        else:
            self._time(call, streams)
        used = memory.usage()  # before the outputs are encoded, which takes memory of its own
        accelerator = self._accelerator(session)
        self._outputs(session, batches)

        self._enter("memory")
        self._emit(
            {
                "event": "memory",
                "imported_rss_bytes": imported.rss_bytes,
                "peak_rss_bytes": used.peak_bytes,
                "reset": was_reset,
                "details": told({**session.details, **self._told}),
                **accelerator,
            }
        )

    def _bound(self, session: Any, batches: Any) -> Any:
        """Return a call of the first batch: a Stream where outputs are fed back into inputs."""
        arranged = {name: dict(form) for name, form in self._job.forms.items() if form}
        if arranged:
            self._told["arranged"] = {**arranged, "when": "outside the timed region"}
        if not batches.state:
            return session.bind(batches.feeds(0))
        if self._job.rate_per_s is not None or self._job.concurrency > 1:
            raise Failed("raised", "state is fed back from one call to the next: one at a time")
        from benchhub.ondevice.measure.stream import Stream  # most models have no state

        return Stream(session, batches.feeds(0), batches.state)

    def _time(self, call: Any, streams: Optional[Any]) -> None:
        job = self._job
        timer = getattr(call, "time", None) or functools.partial(time_calls, call)
        limit_ns = int(job.max_timed_s * _NS)
        most = max(job.iterations, job.warmup) * max(1, job.concurrency)
        if most > MOST_ITERATIONS:
            text = "%d iterations; at most %d fit into memory" % (most, MOST_ITERATIONS)
            raise Failed("raised", text)
        warm = array("q", bytes(8 * max(0, job.warmup)))
        timed = array("q", bytes(8 * max(0, job.iterations)))
        clock = time.perf_counter_ns
        meter = self._meter()
        gc.collect()
        gc.disable()
        if job.warmup > 0:
            self._enter("warmup")
            if streams is None:
                count, _ = timer(clock, warm, job.warmup, 1, limit_ns)
                warm = warm[:count]
            else:
                warm = streams.warm_up(clock, limit_ns)
            self._emit_series({"event": "warmup"}, warm)
        if job.iterations > 0:
            self._enter("time")
            calls = [getattr(call, "call", call)] if streams is None else streams.calls
            for one in calls:
                if hasattr(one, "begin"):
                    one.begin(most)
            if meter is not None:
                meter.start()
            started = clock()
            owners: Optional[Sequence[int]] = None
            if streams is None:
                count, elapsed_ns = timer(
                    clock, timed, job.iterations, job.min_iterations, limit_ns
                )
                timed = timed[:count]
            else:
                timed, owners, elapsed_ns = streams.time(clock, limit_ns)
            passed_ns = clock() - started
            if meter is not None:
                self._energy(meter.stop(passed_ns), passed_ns)
            self._emit_samples(timed, elapsed_ns)
            self._tracks(calls, len(timed), owners, streams)
        gc.enable()

    def _profile(self, session: Any, call: Callable[[], Any]) -> None:
        """Ask where calls spend their time; counting slows them, so they are timed no other way."""
        clock = time.perf_counter_ns
        self._enter("warmup")
        started = clock()
        for _ in range(max(1, self._job.warmup)):
            call()
        each_ns = (clock() - started) // max(1, self._job.warmup) + 1
        self._enter("time")
        calls = min(self._job.iterations, int(self._job.max_timed_s * _NS / each_ns))
        found = session.profile(call, max(1, calls)) if hasattr(session, "profile") else None
        if found is None:
            text = "%s on %s does not tell" % (self._job.backend, session.provider)
            self._told["profile"] = {"unavailable": text}
        else:
            self._told["profile"] = found._asdict()

    def _tracks(
        self, calls: List[Any], count: int, owners: Optional[Sequence[int]], streams: Optional[Any]
    ) -> None:
        if streams is not None:
            self._told.update(streams.details)
            self._emit_tracks(streams.tracks)
        if not all(hasattr(one, "tracks") for one in calls):
            return
        from benchhub.ondevice.measure import tracks

        self._emit_tracks(tracks.collect(calls, count, owners))

    def _emit_tracks(self, found: "Mapping[str, array[int]]") -> None:
        for name, series in found.items():
            if name not in OWN_TRACKS:
                text = "there is no track %s; there are %s" % (name, ", ".join(OWN_TRACKS))
                raise Failed("raised", text + "; the backend's tracks() is at fault")
            self._emit_series({"event": "track", "name": name}, series)

    def _emit_series(self, event: Mapping[str, Any], series: "array[int]") -> None:
        for piece in encode_ints(series):
            self._emit({**event, "samples": piece})

    def _emit_samples(self, timed: "array[int]", elapsed_ns: int) -> None:
        *others, last = encode_ints(timed)
        for piece in others:
            self._emit({"event": "samples", "samples": piece, "elapsed_ns": None})
        self._emit({"event": "samples", "samples": last, "elapsed_ns": elapsed_ns})

    def _meter(self) -> Optional[Any]:
        job = self._job
        if job.iterations < 1 or job.scenario not in _WITH_ENERGY:
            return None
        on_cuda = _cuda_in_use()
        if not on_cuda and not any(map(os.path.isdir, _COUNTERS)):
            self._told["energy"] = "no energy counter: there is none of " + ", ".join(_COUNTERS)
            return None
        from benchhub.ondevice.counters.energy import Meter

        return Meter(on_cuda)

    def _energy(self, used: Any, passed_ns: int) -> None:
        if used.unavailable is not None:
            self._told["energy"] = used.unavailable
        if used.energy_uj is not None:
            self._emit(
                {
                    "event": "energy",
                    "source": used.source,
                    "energy_uj": used.energy_uj,
                    "elapsed_ns": passed_ns,
                }
            )

    def _accelerator(self, session: Any) -> Dict[str, Any]:
        on_cuda = _cuda_in_use()
        if not on_cuda and not hasattr(session, "gpu_bytes"):
            return {}
        from benchhub.ondevice.counters import gpu_memory

        held = gpu_memory.measure(session, self._job.backend, on_cuda)
        if held.unavailable is not None:
            self._told["gpu_memory"] = held.unavailable
        if held.gpu_bytes is None:
            return {}
        return {"gpu_bytes": held.gpu_bytes, "gpu_source": held.source}

    def _outputs(self, session: Any, batches: Any) -> None:
        if not batches.sizes(self._job.output_cases):
            return
        self._enter("outputs")
        from benchhub.ondevice.measure.answering import answers

        for event in answers(self._job, session, batches, self._told):
            self._emit(event)

    def _model(self) -> Optional[str]:
        job = self._job
        if job.model is None or not job.files:
            return None if job.model is None else self._blob(job.model)
        return model_path(self._root, job.model, job.files[0][0])

    def _blob(self, digest: str) -> str:
        path = os.path.join(self._blobs, digest)
        if not os.path.isfile(path):
            raise Failed("blob", "%s is not on the device; stage it again" % digest[:12])
        return path


def _text(value: Any) -> Optional[str]:
    return None if value is None else str(value)


def _cuda_in_use() -> bool:
    """Return whether this process has loaded the CUDA driver; loads nothing itself."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    return True


def _module(name: str, imported: ImportedBackend) -> Any:
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
