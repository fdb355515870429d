"""The settings of a cell beside device, variant and backend, in few words; pure.

`t2 b8 c4 20/s bf16 provider=cuda`: threads, batch, concurrency, rate, precision and the backend's
own options. Tables show only those that vary among their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Settled(Protocol):
    """What has settings: a row of a report; `options` are `name=value` words or None."""

    @property
    def batch(self) -> int:
        """Cases a call."""
        ...

    @property
    def threads(self) -> int:
        """Threads a session may use."""
        ...

    @property
    def precision(self) -> str | None:
        """What it computes in, where that is known."""
        ...

    @property
    def concurrency(self) -> int:
        """Calls under way at once."""
        ...

    @property
    def rate_per_s(self) -> float | None:
        """Arrivals a second, of paced cells."""
        ...

    @property
    def options(self) -> str | None:
        """The backend's own options as words."""
        ...

    @property
    def shapes(self) -> str | None:
        """What inputs with open sizes were given."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its heading, its compact word, and whether it sorts as a number."""

    head: str
    word: Callable[[Settled], str]
    spoken: Callable[[Settled], str]
    key: Callable[[Settled], float | str | None]
    numeric: bool = True


def rate_text(rate_per_s: float | None) -> str:
    """A rate without needless digits; empty for None."""
    return "" if rate_per_s is None else f"{rate_per_s:g}/s"


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"


#: By field name, in the order they are written.
SETTINGS: Mapping[str, Setting] = {
    "threads": Setting(
        "Threads", lambda r: f"t{r.threads}", lambda r: _many(r.threads, "thread"),
        lambda r: r.threads,
    ),
    "batch": Setting(
        "Batch", lambda r: f"b{r.batch}", lambda r: f"batch {r.batch}", lambda r: r.batch
    ),
    "concurrency": Setting(
        "Concurrency", lambda r: f"c{r.concurrency}", lambda r: f"concurrency {r.concurrency}",
        lambda r: r.concurrency,
    ),
    "rate_per_s": Setting(
        "Rate 1/s", lambda r: rate_text(r.rate_per_s), lambda r: rate_text(r.rate_per_s),
        lambda r: r.rate_per_s,
    ),
    "precision": Setting(
        "Precision", lambda r: r.precision or "", lambda r: r.precision or "",
        lambda r: r.precision, numeric=False,
    ),
    "options": Setting(
        "Options", lambda r: r.options or "", lambda r: r.options or "", lambda r: r.options,
        numeric=False,
    ),
    "shapes": Setting(
        "Shapes", lambda r: r.shapes or "", lambda r: r.shapes or "", lambda r: r.shapes,
        numeric=False,
    ),
}  # fmt: skip


def varying(rows: Iterable[Settled]) -> tuple[str, ...]:
    """Return the names of the settings that take more than one value among `rows`.

    A precision or options that a row does not have (it failed, or its backend has none) is no
    value of its own: options vary only where two rows of one backend differ.
    """
    known = list(rows)
    return tuple(name for name in SETTINGS if _varies(name, known))


def _varies(name: str, rows: Sequence[Settled]) -> bool:
    if name not in ("precision", "options"):
        return len({getattr(row, name) for row in rows}) > 1
    seen: dict[str, set[str]] = {}
    for row in rows:
        if (value := getattr(row, name)) is not None:
            group = getattr(row, "backend", "") if name == "options" else ""
            seen.setdefault(group, set()).add(value)
    return any(len(values) > 1 for values in seen.values())


def compact(row: Settled, names: Iterable[str]) -> str:
    """Return the named settings as one short text; those a row does not have are left out."""
    return " ".join(word for name in SETTINGS if name in set(names) if (word := _word(row, name)))


def usual_left_out(row: Settled, names: Iterable[str]) -> list[str]:
    """Return the names whose value says something: not a concurrency of 1, not plain f32."""
    usual = {
        "concurrency": (1,),
        "precision": (None, "f32", "none"),
        "options": (None,),
        "shapes": (None,),
    }
    return [name for name in names if getattr(row, name) not in usual.get(name, ())]


def spoken(row: Settled, names: Iterable[str]) -> str:
    """Return the named settings in words, for headings: `2 threads, batch 8`."""
    words = [SETTINGS[name].spoken(row) for name in SETTINGS if name in set(names)]
    return ", ".join(word for word in words if word)


def order(row: Settled) -> tuple[float, ...]:
    """Sort key from the smallest setting up: concurrency, threads and batch of 1 first."""
    return (row.concurrency, row.threads, row.batch, row.rate_per_s or 0.0)


def _word(row: Settled, name: str) -> str:
    return SETTINGS[name].word(row)
