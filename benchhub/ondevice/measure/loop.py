"""The timing loop: two clock readings, one call, one store, and nothing else."""

from array import array
from typing import Any, Callable, Tuple


def time_calls(
    call: Callable[[], Any],
    clock: Callable[[], int],
    buffer: "array[int]",
    iterations: int,
    min_iterations: int,
    max_timed_ns: int,
) -> Tuple[int, int]:
    """Time `call` up to `iterations` times into `buffer`; return (calls made, elapsed_ns).

    `clock` returns nanoseconds. A sample is one call alone; `elapsed_ns` runs from before the
    first call to after the last, the loop's own cost included. The loop ends early at the first
    call that ends later than `max_timed_ns` after the start, once `min_iterations` were made.
    """
    if iterations < 1:
        return 0, 0
    start = clock()
    limit = start + max_timed_ns
    after = start
    for index in range(iterations):
        before = clock()
        call()
        after = clock()
        buffer[index] = after - before
        if after > limit and index + 1 >= min_iterations:
            return index + 1, after - start
    return iterations, after - start
