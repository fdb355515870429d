"""The events of one launch folded into its outcome: each in its stage, and no more than asked."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from benchhub.device.events import bounds, schema
from benchhub.device.events.expected import Expected
from benchhub.device.events.outputs import Assembly
from benchhub.device.events.parse import Broken
from benchhub.ondevice.wire import STAGES, Failure, Job, Outcome

_RANKS = {stage: rank for rank, stage in enumerate(STAGES)}
#: The stage in which a kind of event comes; the others come in any.
_STAGE_OF = {
    "ready": "load", "first": "first", "warmup": "warmup", "samples": "time", "track": "time",
    "energy": "time", "outputs": "outputs", "more": "outputs", "memory": "memory",
}  # fmt: skip
_COPIED: Mapping[str, tuple[str, ...]] = {
    "ready": (
        "import_ns", "load_ns", "backend_version", "provider", "precision", "clock", "details",
    ),
    "first": ("first_inference_ns",),
    "memory": (
        "imported_rss_bytes", "peak_rss_bytes", "gpu_bytes", "gpu_source", "details",
    ),
}  # fmt: skip
_ONCE = ("ready", "first", "energy", "memory", "failed")
#: What every launch that finished has told.
_ALWAYS = ("ready", "first", "memory")


class Folding:
    """One launch of `job` as its events come; Broken for one that cannot come there."""

    def __init__(self, job: Job, expected: Expected) -> None:
        self.outcome = Outcome()
        self._job = job
        self._most_calls = bounds.calls(job)
        self._assembly = Assembly(job, expected)
        most = expected.most_bytes(job)
        self.most_events = bounds.events(job, most, expected.most_blocks(job))
        self.most_bytes = bounds.launch_bytes(job, most, self.most_events)
        self._told: set[str] = set()

    def take(self, event: schema.Event) -> bool:
        """Add one event; True once the launch has ended."""
        kind, stage = event.event, self.outcome.stage
        if kind in _ONCE and kind in self._told:
            raise Broken(f"a second {kind!r} of one launch")
        if "failed" in self._told and kind != "end":
            raise Broken(f"a {kind!r} of a launch that has failed")
        if _STAGE_OF.get(kind, stage) != stage:
            raise Broken(f"a {kind!r} in the stage {stage!r}")
        if kind not in _TAKES:
            raise Broken(f"a {kind!r} in a launch")
        self._told.add(kind)
        _TAKES[kind](self, event)
        return kind == "end"

    def close(self) -> None:
        """Forget what came of outputs."""
        self._assembly.close()

    def _entered(self, event: schema.StageEvent) -> None:
        if _RANKS[event.stage] <= _RANKS[self.outcome.stage]:
            raise Broken(f"the stage {event.stage!r} after {self.outcome.stage!r}")
        self.outcome.stage = event.stage

    def _copied(self, event: schema.ReadyEvent | schema.FirstEvent | schema.MemoryEvent) -> None:
        for name in _COPIED[event.event]:
            setattr(self.outcome, name, getattr(event, name))

    def _memory(self, event: schema.MemoryEvent) -> None:
        self._copied(event)
        self.outcome.memory_reset = event.reset

    def _warmed_up(self, event: schema.WarmupEvent) -> None:
        _extend(self.outcome.warmup_ns, event.samples, self._most_calls, "warm-up calls")

    def _samples(self, event: schema.SamplesEvent) -> None:
        outcome = self.outcome
        if outcome.elapsed_ns is not None:
            raise Broken("samples after the last ones")
        _extend(outcome.samples_ns, event.samples, self._most_calls, "samples")
        outcome.elapsed_ns = event.elapsed_ns

    def _track(self, event: schema.TrackEvent) -> None:
        series = self.outcome.tracks_ns.setdefault(event.name, array("q"))
        _extend(series, event.samples, self._most_calls, f"values of {event.name!r}")

    def _energy(self, event: schema.EnergyEvent) -> None:
        outcome = self.outcome
        outcome.energy_uj, outcome.energy_source = event.energy_uj, event.source
        outcome.energy_elapsed_ns = event.elapsed_ns

    def _outputs(self, event: schema.OutputsEvent) -> None:
        self._assembly.begin(event)

    def _more(self, event: schema.MoreEvent) -> None:
        self._assembly.go_on(event)

    def _failed(self, event: schema.FailedEvent) -> None:
        self.outcome.failure = Failure(event.stage, event.kind, event.message)

    def _end(self, event: schema.EndEvent) -> None:
        outcome, failure = self.outcome, event.failure
        if (event.status == "failed") != (failure is not None):
            raise Broken(f"a launch that is {event.status}, with or without the reason for it")
        outcome.status = event.status
        if failure is None:
            lacking = [kind for kind in _ALWAYS if kind not in self._told]
            if "failed" in self._told or lacking:
                raise Broken(f"a launch that finished without {', '.join(lacking) or 'success'}")
        elif outcome.failure is None:
            outcome.failure = Failure(failure.stage, failure.kind, failure.message)
        outcome.wall_ns = event.wall_ns
        outcome.involuntary_switches = event.involuntary_switches
        outcome.before, outcome.after = event.before.told(), event.after.told()
        if failure is None:
            outcome.outputs = self._assembly.arrays()
        else:
            self.close()


_TAKES: Mapping[str, Callable[[Folding, Any], None]] = {
    "stage": Folding._entered, "ready": Folding._copied, "first": Folding._copied,
    "warmup": Folding._warmed_up, "samples": Folding._samples, "track": Folding._track,
    "energy": Folding._energy, "outputs": Folding._outputs, "more": Folding._more,
    "memory": Folding._memory, "failed": Folding._failed, "end": Folding._end,
}  # fmt: skip


def _extend(series: array[int], data: bytes, most: int, what: str) -> None:
    if len(data) % 8:
        raise Broken(f"{what} of {len(data)} bytes, not 8 each")
    values = array("q", data)
    if sys.byteorder == "big":
        values.byteswap()
    if len(series) + len(values) > most:
        raise Broken(f"{len(series) + len(values)} {what}, at most {most} were asked for")
    series.extend(values)
