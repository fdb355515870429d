"""Whether the figures of a launch can be: what cannot is not kept as if it were measured."""

from __future__ import annotations

import numpy as np

from benchhub.device.events.expected import Expected
from benchhub.model.arrays import Ints
from benchhub.ondevice.wire import Failure, Job, Outcome

_NS = 1_000_000_000
#: How much faster than the controller's the clock of a device may be, such as an emulated one's.
_FASTER, _SLACK_NS = 4, 10 * _NS
#: What a process can address on any system, and what no device draws.
_ADDRESSES, _MOST_W = 1 << 47, 1e5
_MEASURE = "measure"


def implausible(
    outcome: Outcome, job: Job, expected: Expected, took_ns: int | None = None
) -> Failure | None:
    """Return why a finished launch cannot be as it was told; None: it can.

    `took_ns` is how long the controller waited for it. Kind `clock`: the device's clock went back;
    `implausible`: all else.
    """
    if outcome.status != "finished":
        return None
    samples = np.array(outcome.samples_ns, np.int64)
    clock = _clock(outcome, samples)
    if clock is not None:
        return Failure(_MEASURE, "clock", clock)
    text = (
        _counts(outcome, job, len(samples))
        or _durations(outcome, job, samples, took_ns)
        or _readings(outcome)
        or _answers(outcome, job, expected)
    )
    return None if text is None else Failure(_MEASURE, "implausible", text)


def doubted(outcome: Outcome, failure: Failure | None) -> Outcome:
    """Return a launch as it is to be recorded, given why its figures cannot be, if so.

    A time of day that went back is the device's only once; other launches of it may be sound.
    """
    if failure is not None:
        again = failure.kind == "clock" and "time of day" in failure.message
        outcome.status = "interrupted" if again else "failed"
        outcome.failure = failure
    return outcome


def _clock(outcome: Outcome, samples: Ints) -> str | None:
    if len(samples) and samples.min() < 0:
        index = int(samples.argmin())
        return f"call {index} took {samples[index]} ns: the device's clock went back"
    for name, values in (("warm-up call", outcome.warmup_ns), *outcome.tracks_ns.items()):
        if values and (least := int(np.frombuffer(values, np.int64).min())) < 0:
            return f"{name}: {least} ns: the device's clock went back"
    before, after = outcome.before, outcome.after
    if before is not None and after is not None and after.at_ns < before.at_ns:
        gone_s = (before.at_ns - after.at_ns) / _NS
        return f"the device's time of day went back by {gone_s:.3g} s meanwhile"
    return None


def _counts(outcome: Outcome, job: Job, count: int) -> str | None:
    asked = max(0, job.iterations) * (1 if job.rate_per_s is not None else max(1, job.concurrency))
    if job.scenario == "profile":
        return f"{count} samples of a launch that times none" if count else None
    if count > asked:
        return f"{count} samples, {asked} were asked for"
    if asked and not count:
        return f"no samples, {asked} were asked for"
    for name, values in outcome.tracks_ns.items():
        if len(values) != count:
            return f"{len(values)} values of {name!r} of {count} samples"
    if asked and outcome.elapsed_ns is None:
        return "samples without the time that they took together"
    return None if job.rate_per_s is not None else _too_few(outcome, job, count, asked)


def _too_few(outcome: Outcome, job: Job, count: int, asked: int) -> str | None:
    if count == asked:
        return None
    if count < min(job.min_iterations, asked):
        return f"{count} samples, at least {job.min_iterations} were asked for"
    limit_ns = int(job.max_timed_s * _NS)
    if (outcome.wall_ns or 0) <= limit_ns:
        return (
            f"{count} samples of {asked}, though the whole launch took"
            f" {(outcome.wall_ns or 0) / _NS:.3g} s of the {job.max_timed_s:g} s allowed"
        )
    return None


def _durations(outcome: Outcome, job: Job, samples: Ints, took_ns: int | None) -> str | None:
    elapsed_ns, wall_ns = outcome.elapsed_ns or 0, outcome.wall_ns or 0
    if len(samples):
        # In floats: whatever the numbers are, their sum does not wrap around.
        total = float(samples.sum(dtype=np.float64))
        at_once = max(1, job.concurrency)
        if job.rate_per_s is None and total > elapsed_ns * at_once * (1 + 1e-9):
            return (
                f"calls that took {total / 1e6:.6g} ms, {at_once} at once, within"
                f" {elapsed_ns / 1e6:.6g} ms"
            )
        if int(samples.max()) > wall_ns:
            return f"a call of {int(samples.max())} ns in a launch of {wall_ns} ns"
    parts = (outcome.import_ns, outcome.load_ns, outcome.first_inference_ns, elapsed_ns)
    inside_ns = sum(part or 0 for part in parts)
    if inside_ns > wall_ns:
        return f"stages of {inside_ns} ns in a launch of {wall_ns} ns"
    if (outcome.energy_elapsed_ns or 0) > wall_ns:
        return f"energy over {outcome.energy_elapsed_ns} ns in a launch of {wall_ns} ns"
    if took_ns is not None and wall_ns > _FASTER * took_ns + _SLACK_NS:
        return f"a launch of {wall_ns} ns that was over after {took_ns} ns"
    return None


def _readings(outcome: Outcome) -> str | None:
    for name in ("imported_rss_bytes", "peak_rss_bytes"):
        size = getattr(outcome, name)
        if size is not None and not 0 < size < _ADDRESSES:
            return f"{name}: {size} of a process that ran"
    if (outcome.gpu_bytes or 0) >= _ADDRESSES:
        return f"gpu_bytes: {outcome.gpu_bytes}"
    energy_uj, elapsed_ns = outcome.energy_uj or 0, outcome.energy_elapsed_ns or 0
    if energy_uj * 1e3 > _MOST_W * elapsed_ns:
        return f"{energy_uj} uJ in {elapsed_ns} ns, more than {_MOST_W:.0f} W"
    return None


def _fits(shape: tuple[int, ...], of: tuple[int | None, ...] | None) -> bool:
    return of is None or (
        len(shape) == len(of)
        and all(want in (None, have) for want, have in zip(of, shape, strict=True))
    )


def _answers(outcome: Outcome, job: Job, expected: Expected) -> str | None:
    wanted = expected.wanted(job)
    if not job.output_cases or not job.inputs or wanted == 0:
        return "outputs that nobody asked for" if outcome.outputs else None
    if not outcome.outputs:
        return "no outputs, though they were asked for"
    known = expected.outputs or (None,) * len(outcome.outputs)
    if len(known) != len(outcome.outputs):
        return f"{len(outcome.outputs)} outputs of a model that has {len(known)}"
    for index, (output, spec) in enumerate(zip(outcome.outputs, known, strict=True)):
        if output.shape == (0,) and (spec is None or spec.left_out):
            continue
        if wanted is not None and output.shape[0] != wanted:
            return f"{output.shape[0]} cases of output {index}, {wanted} were asked for"
        if spec is None or spec.left_out:
            continue
        shape = output.shape[1:]
        if not _fits(shape, spec.case_shape):
            return f"output {index} of {shape} a case, the model has {spec.case_shape}"
        told = np.dtype(output.dtype).name
        if spec.types and told not in spec.types:
            return f"output {index} of {told}, the model declares {spec.dtype}"
    return None
