"""The further series that a backend's callables keep of their timed calls."""

from array import array
from typing import Any, Dict, Iterator, List, Optional, Sequence

from benchhub.ondevice.failed import Failed


def collect(
    calls: Sequence[Any], count: int, owners: Optional[Sequence[int]] = None
) -> "Dict[str, array[int]]":
    """Return what the `tracks()` of `calls` hold, `count` values each in the order of the samples.

    `owners` says, per sample, which of `calls` made it; None where there is only one. Failed if a
    callable returns other than one value for each call it made.
    """
    owners = [0] * count if owners is None else list(owners)
    kept: List[Any] = [call.tracks() for call in calls]
    merged: "Dict[str, array[int]]" = {}
    for name in kept[0]:
        series = [[int(value) for value in of_call[name]] for of_call in kept]
        for index, values in enumerate(series):
            made = owners.count(index)
            if len(values) != made:
                text = "track %s holds %d values of %d calls" % (name, len(values), made)
                raise Failed("raised", text + "; the backend's begin() or tracks() is at fault")
        turns: List[Iterator[int]] = [iter(values) for values in series]
        merged[name] = array("q", [next(turns[owner]) for owner in owners])
    return merged
