"""Calls that arrive at a rate of their own, whether or not the ones before them are done.

Latency counts from the moment a call was due, so that a stall is charged to every call that had
to wait for its end; the service time beside it counts from when the call began. Arrivals are
drawn before the first call and none is skipped. (The error of timing only what was sent is known
as coordinated omission: G. Tene, "How NOT to Measure Latency", 2013.)

A thread that waits for an arrival sleeps until `SPIN_NS` before it and then asks the clock over
and over, giving up the interpreter's lock in between, so that it never delays a call under way.
How late calls began that had no other to wait for is in every launch's details.
"""

import random
import select
import time
from array import array
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence

from benchhub.ondevice.measure.concurrent import Crew, drain

#: More than a sleep usually lasts too long on an idle Linux; the rest of the wait is spun.
SPIN_NS = 300_000
#: From the last preparation to the first moment a call can be due.
LEAD_NS = 2_000_000
#: No call begins later than this many schedules after the first could be due.
OVERRUN = 2.0
_NS = 1_000_000_000


class Paced(NamedTuple):
    """Completed calls in the order of their arrival: from due, from begun, by whom; and the rest.

    `waited` counts those of them that were due while every thread was busy; `late` holds how late
    each of the others began.
    """

    latency: "array[int]"
    service: "array[int]"
    owners: "array[int]"
    late: "array[int]"
    offered: int
    waited: int
    elapsed_ns: int

    def details(self) -> Dict[str, Any]:
        """Return what a reader needs to judge the pacing itself."""
        ordered = sorted(self.late)
        found: Dict[str, Any] = {
            "offered": self.offered,
            "completed": len(self.latency),
            "late_starts": self.waited,
        }
        if ordered:
            found["start_late_p50_ns"] = ordered[len(ordered) // 2]
            found["start_late_p99_ns"] = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        return found


def schedule(
    rate_per_s: float,
    arrivals: str,
    seed: int,
    iterations: int,
    min_iterations: int,
    max_timed_ns: int,
) -> "array[int]":
    """Return when calls are due, in nanoseconds from the start, ascending.

    At most `iterations`, and none after `max_timed_ns` except the first `min_iterations`. Fixed
    arrivals are one period apart, beginning at 0; between poisson arrivals lie independent
    exponential gaps with that mean. ValueError for a rate not above 0 or other `arrivals`.
    """
    if not rate_per_s > 0:
        raise ValueError("rate_per_s must be above 0, not %r" % (rate_per_s,))
    if arrivals not in ("fixed", "poisson"):
        raise ValueError("arrivals are fixed or poisson, not %r" % (arrivals,))
    generator = random.Random(seed)
    due = array("q")
    at_s = 0.0
    for index in range(iterations):
        if arrivals == "poisson":
            at_s += generator.expovariate(rate_per_s)
        else:
            at_s = index / rate_per_s
        at_ns = round(at_s * _NS)
        if at_ns > max_timed_ns and index >= min_iterations:
            break
        due.append(at_ns)
    return due


def _pause() -> None:
    """Let the other threads run for a microsecond; `time.sleep(0)` can last fifty."""
    select.select((), (), (), 0)


def wait_until(
    due: int,
    clock: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
    pause: Callable[[], None] = _pause,
) -> int:
    """Return the time as soon as it is `due` or later; at once where it is."""
    now = clock()
    while now < due:
        left = due - now
        if left > SPIN_NS:
            sleep((left - SPIN_NS) / _NS)
        else:
            pause()
        now = clock()
    return now


def time_paced(
    crew: Crew,
    calls: Sequence[Callable[[], Any]],
    due: Sequence[int],
    clock: Callable[[], int],
    cutoff_ns: int,
    min_iterations: int = 1,
    wait: Callable[[int, Callable[[], int]], int] = wait_until,
) -> Paced:
    """Make one call for each of `due`, in that order, by whichever of `calls` is free.

    `due` counts from the start, which is `LEAD_NS` from now. No call but the first
    `min_iterations` begins later than `cutoff_ns` after the start: what is due and unserved then
    is offered but not completed. `wait` returns the time once its argument has come. The first
    exception of a call is raised, after all have stopped.
    """
    count = len(due)
    latency = array("q", [-1]) * count
    service = array("q", bytes(8 * count))
    owners = array("i", bytes(4 * count))
    waited = bytearray(count)
    pool = iter(range(count))
    start = clock() + LEAD_NS
    arrivals = array("q", [start + at for at in due])

    def work(owner: int) -> Callable[[], int]:
        call = calls[owner]

        def task() -> int:
            try:
                return _serve(
                    call, arrivals, pool, clock, wait, latency, service, owners, waited, owner,
                    min_iterations, start + cutoff_ns,
                )  # fmt: skip
            except BaseException:
                drain(pool)
                raise

        return task

    ends = crew.run([work(owner) for owner in range(len(calls))])
    made = [index for index in range(count) if latency[index] >= 0]
    return Paced(
        latency=array("q", [latency[index] for index in made]),
        service=array("q", [service[index] for index in made]),
        owners=array("i", [owners[index] for index in made]),
        late=array("q", [latency[i] - service[i] for i in made if not waited[i]]),
        offered=count,
        waited=sum(waited),
        elapsed_ns=max(0, max(ends) - start),
    )


def _serve(
    call: Callable[[], Any],
    arrivals: "array[int]",
    pool: Iterator[int],
    clock: Callable[[], int],
    wait: Callable[[int, Callable[[], int]], int],
    latency: "array[int]",
    service: "array[int]",
    owners: "array[int]",
    waited: bytearray,
    owner: int,
    min_iterations: int,
    cutoff: int,
) -> int:
    """Serve calls in the order of their arrival; return when the last one ended."""
    after = 0
    for index in pool:
        due = arrivals[index]
        before = clock()
        if before > due:
            if before > cutoff and index >= min_iterations:
                return after
            waited[index] = 1
        else:
            before = wait(due, clock)
        call()
        after = clock()
        latency[index] = after - due
        service[index] = after - before
        owners[index] = owner
    return after
