"""Several calls under way at once: the threads, and a timing loop that they share.

Only jobs that ask for it import this, so that the start of other launches stays as short as it is.
"""

import queue
import threading
from array import array
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

T = TypeVar("T")


class Crew:
    """`size` threads that last: a runtime's state of a thread, once warmed up, is used again.

    The first of them is the thread that calls `run`.
    """

    def __init__(self, size: int) -> None:
        self._tasks: "List[queue.SimpleQueue[Callable[[], None]]]" = []
        for _ in range(size - 1):
            tasks: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(tasks,), daemon=True).start()
            self._tasks.append(tasks)

    def run(self, tasks: Sequence[Callable[[], T]]) -> List[T]:
        """Run one task in each thread at once and return their results; raise the first error."""
        done: "queue.SimpleQueue[Tuple[int, Optional[T], Optional[BaseException]]]"
        done = queue.SimpleQueue()
        for index, task in enumerate(tasks[1:], 1):
            self._tasks[index - 1].put(_reported(index, task, done.put))
        _reported(0, tasks[0], done.put)()
        ended = sorted((done.get() for _ in tasks), key=lambda one: one[0])
        for _, _, error in ended:
            if error is not None:
                raise error
        return [result for _, result, _ in ended]  # type: ignore[misc]


def _serve(tasks: "queue.SimpleQueue[Callable[[], None]]") -> None:
    while True:
        tasks.get()()


def _reported(
    index: int, task: Callable[[], Any], done: Callable[[Tuple[int, Any, Any]], None]
) -> Callable[[], None]:
    def run() -> None:
        try:
            done((index, task(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where the crew is run
            done((index, None, error))

    return run


class Timed(NamedTuple):
    """Calls in the order in which they began, and for each the index of who made it."""

    samples: "array[int]"
    owners: "array[int]"
    elapsed_ns: int


def time_concurrently(
    crew: Crew,
    calls: Sequence[Callable[[], Any]],
    clock: Callable[[], int],
    iterations: int,
    min_iterations: int,
    max_timed_ns: int,
) -> Timed:
    """Time up to `iterations` calls for each of `calls`, each in its thread, all at the same time.

    The calls are drawn from one pool, so that no thread idles while others still have many to
    make; the order of the samples is the order of drawing. `elapsed_ns` runs from the moment all
    threads were ready to the end of the last call. A thread stops at its first call that ends
    later than `max_timed_ns` after the start, once `min_iterations` were drawn. Memory is
    allocated before the start. The first exception of a call is raised, after all have stopped.
    """
    total = iterations * len(calls)
    if total < 1:
        return Timed(array("q"), array("i"), 0)
    samples = array("q", bytes(8 * total))
    owners = array("i", [-1]) * total
    pool = iter(range(total))  # a thread draws its next call in one step of the interpreter
    start = array("q", [0])

    def begin() -> None:
        start[0] = clock()

    barrier = threading.Barrier(len(calls), begin)

    def work(owner: int) -> Callable[[], int]:
        def task() -> int:
            barrier.wait()
            try:
                limit = start[0] + max_timed_ns
                return _draw(
                    calls[owner], clock, pool, samples, owners, owner, min_iterations, limit
                )
            except BaseException:
                drain(pool)
                raise

        return task

    ends = crew.run([work(owner) for owner in range(len(calls))])
    made = total - owners.count(-1)
    return Timed(samples[:made], owners[:made], max(ends) - start[0])


def _draw(
    call: Callable[[], Any],
    clock: Callable[[], int],
    pool: Iterator[int],
    samples: "array[int]",
    owners: "array[int]",
    owner: int,
    min_iterations: int,
    limit: int,
) -> int:
    """Make calls until the pool or the time is used up; return when the last one ended."""
    after = 0
    for index in pool:
        before = clock()
        call()
        after = clock()
        samples[index] = after - before
        owners[index] = owner
        if after > limit and index + 1 >= min_iterations:
            return after
    return after


def drain(pool: Iterator[int]) -> None:
    """Leave nothing for the other threads to draw."""
    for _ in pool:
        continue
