"""The timed section of jobs with more than one call under way, or with arrivals of their own."""

from array import array
from typing import Any, Callable, Dict, List, Tuple

from benchhub.ondevice.job import Job
from benchhub.ondevice.measure.concurrent import Crew, time_concurrently

_NS = 1_000_000_000
#: The share of a launch's deadline that calls which have to wait may use up.
_SHARE_OF_DEADLINE = 0.5


class Streams:
    """As many callables as the job's concurrency, each on inputs and in a thread of its own.

    `first` is the one that was called already; the others are called once here, untimed.
    `calls` are all of them, in the order of the owners that `time` returns.
    """

    def __init__(self, job: Job, first: Callable[[], Any], session: Any, batches: Any) -> None:
        self._job = job
        self.calls: List[Callable[[], Any]] = [first]
        for index in range(1, job.concurrency):
            self.calls.append(session.bind(batches.feeds(index)))
        self._crew = Crew(len(self.calls))
        self._crew.run([_nothing, *self.calls[1:]])
        self.tracks: "Dict[str, array[int]]" = {}
        self.details: Dict[str, Any] = {}

    def warm_up(self, clock: Callable[[], int], limit_ns: int) -> "array[int]":
        """Make the job's warm-up calls in every thread; return their times."""
        return time_concurrently(
            self._crew, self.calls, clock, self._job.warmup, 1, limit_ns
        ).samples

    def time(self, clock: Callable[[], int], limit_ns: int) -> "Tuple[array[int], array[int], int]":
        """Return the samples in the order in which calls began, whose they are, elapsed_ns."""
        job = self._job
        if job.rate_per_s is None:
            timed = time_concurrently(
                self._crew, self.calls, clock, job.iterations, job.min_iterations, limit_ns
            )
            self.details = {"calls_per_thread": _per_call(timed.owners, len(self.calls))}
            return timed.samples, timed.owners, timed.elapsed_ns
        from benchhub.ondevice.measure import paced

        due = paced.schedule(
            job.rate_per_s, job.arrivals, job.seed, job.iterations, job.min_iterations, limit_ns
        )
        # Never before the last arrival: one call that waits a little then is not an overload.
        cutoff_ns = max(
            limit_ns, min(paced.OVERRUN * limit_ns, _SHARE_OF_DEADLINE * job.deadline_s * _NS)
        )
        done = paced.time_paced(
            self._crew, self.calls, due, clock, int(cutoff_ns), job.min_iterations
        )
        self.tracks = {"service": done.service}
        self.details = {"paced": done.details()}
        return done.latency, done.owners, done.elapsed_ns


def _per_call(owners: "array[int]", count: int) -> List[int]:
    """Return how many calls each thread made: very unequal shares are worth knowing."""
    return [owners.count(owner) for owner in range(count)]


def _nothing() -> None:
    return
