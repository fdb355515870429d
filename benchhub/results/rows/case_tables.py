"""Case tables by the content of what was compared: a costly comparison is made once; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import Metric, Reading
from benchhub.tasks.contract.seen import Seen, seen

T = TypeVar("T")
Floats = NDArray[np.float64]
Of = Callable[[Array, Array], Floats]


class Tables:
    """What metrics made of artifacts, each made once however often it is asked for.

    `kept` holds tables by a name that tells function and content, beyond this object's life; only
    those of functions that can be told by their name.
    """

    def __init__(self, kept: MutableMapping[str, Floats] | None = None) -> None:
        self._kept: MutableMapping[str, Floats] = {} if kept is None else kept
        self._made: dict[tuple[Of, str], Floats] = {}
        # Arrays are held so that their ids are not given to others.
        self._digests: dict[int, tuple[Array, str]] = {}
        self._seen: dict[tuple[str, int, int], tuple[Array, Array, Seen]] = {}
        self._once: dict[tuple[Hashable, int], tuple[Array | None, Any]] = {}
        self._used: set[object] = set()

    def forget(self) -> None:
        """Hold no longer what was not asked for since the last time that this was called."""
        self._made = {key: one for key, one in self._made.items() if key in self._used}
        self._digests = {key: one for key, one in self._digests.items() if key in self._used}
        self._seen = {key: one for key, one in self._seen.items() if key in self._used}
        self._once = {key: one for key, one in self._once.items() if key in self._used}
        self._used.clear()

    def of(self, function: Of, outputs: Array, labels: Array, order: Array | None = None) -> Floats:
        """Return `function(outputs, labels)`, with the outputs in another `order` if one is given.

        ValueError: the table has not one line a case.
        """
        parts = [self.digest(array) for array in (outputs, labels)]
        if order is not None:
            parts.append(_digest(order))
        content = "-".join(parts)
        self._used.add((function, content))
        if (function, content) not in self._made:
            name = _name(function)
            key = f"{name}-{hashlib.sha256(content.encode()).hexdigest()}"
            table = self._kept.get(key) if name else None
            if table is None or len(table) != len(labels):
                table = _made(function, outputs if order is None else outputs[order], labels)
                if name:
                    self._kept[key] = table
            self._made[function, content] = table
        return self._made[function, content]

    def seen(
        self, output: Array, labels: Array, names: tuple[str, ...], metric: Metric,
        reading: Reading | None,
    ) -> Seen:  # fmt: skip
        """Return what a metric sees of an output and labels: see `benchhub.tasks.contract.seen`."""
        key = metric.name, id(output), id(labels)
        self._used.add(key)
        if key not in self._seen:
            self._seen[key] = output, labels, seen(output, labels, names, metric, reading)
        return self._seen[key][2]

    def once(self, name: Hashable, compute: Callable[[], T], array: Array | None = None) -> T:
        """Return `compute()`, made once, which `name` says how to make of `array`."""
        key = name, id(array)
        self._used.add(key)
        if key not in self._once:
            self._once[key] = array, compute()
        found: T = self._once[key][1]
        return found

    def digest(self, array: Array) -> str:
        """Return what tells an array from every other by its content."""
        self._used.add(id(array))
        known = self._digests.get(id(array))
        if known is None:
            known = self._digests[id(array)] = (array, _digest(array))
        return known[1]


def _made(function: Of, outputs: Array, labels: Array) -> Floats:
    table = np.asarray(function(outputs, labels), dtype=np.float64)
    if table.ndim != 2 or len(table) != len(labels):
        raise ValueError(f"a case table of shape {table.shape} for {len(labels)} cases")
    table.flags.writeable = False
    return table


def _name(function: Any) -> str:
    """Return what tells a function from every other, or "" for one made inside another."""
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '<>')}"
    return "" if "<" in name else name


def _digest(array: Array) -> str:
    whole = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{whole.dtype.str} {whole.shape}".encode())
    digest.update(whole.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
