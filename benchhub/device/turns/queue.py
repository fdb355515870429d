"""A device's queue: who measures, who waits in which order, and for whom it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from benchhub.model.device import USUAL_QUEUEING, Queueing, Reservation
from benchhub.text import instant


@dataclass(frozen=True, slots=True)
class Queued:
    """One who measures (`holds`) or waits, as they say of themselves.

    `account` is theirs on the device where that is not the one that was asked with. `for_s` is how
    long they have measured or waited, `left_s` about how long they take still; None: not told.
    `why` they wait is a key of `ondevice.wire.WAITS`; `mine`: it is who asks.
    """

    user: str
    host: str
    run: str
    holds: bool
    priority: int = 0
    pid: int | None = None
    agent: int | None = None
    account: str | None = None
    for_s: float | None = None
    left_s: float | None = None
    why: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class ReservedTime:
    """A reservation as the device tells it: it begins and ends in so many seconds."""

    id: str
    user: str
    host: str
    starts_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Queue:
    """A device's queue, first who measures, then who waits in order.

    `place` is that of who asks among the `waiting`, from 1 on; None: they do not wait.
    """

    standings: tuple[Queued, ...] = ()
    kept: tuple[ReservedTime, ...] = ()
    place: int | None = None
    waiting: int = 0

    @property
    def holder(self) -> Queued | None:
        """Who measures; None: nobody does."""
        return next((one for one in self.standings if one.holds), None)

    @property
    def keeps(self) -> ReservedTime | None:
        """The reservation that is on now, if one is."""
        return next((one for one in self.kept if one.starts_s <= 0 < one.ends_s), None)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a controller asks for a device.

    `needs_s`: about how long it takes, 0: unknown. `reservations` are those that its store knows
    of for the device, and `now` is the time that the store has.
    """

    queueing: Queueing = USUAL_QUEUEING
    needs_s: float = 0.0
    reservations: tuple[Reservation, ...] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self, wait: bool) -> Mapping[str, object]:
        """Return what the device's agent is told of it, see `ondevice.wire`."""
        return {
            "wait": wait,
            "priority": self.queueing.priority,
            "needs_s": self.needs_s,
            "now": self.now.timestamp(),
            "reservation": self.queueing.reservation,
            "reservations": [reservation_told(one) for one in self.reservations],
        }


def reservation_told(one: Reservation) -> Mapping[str, object]:
    """Return what the device's agent is told of a reservation, see `ondevice.wire`."""
    starts, ends = (instant(text).timestamp() for text in (one.starts_at, one.ends_at))
    said = {"id": one.id, "user": one.user, "host": one.host}
    return {**said, "from_utc": starts, "until_utc": ends}


def in_words(queue: Queue, now: datetime) -> str:
    """Return a queue in one line: who has the device, and the place of who asks.

    Times of day are those of `now`, which is of the reader's zone.
    """
    holder, keeps = queue.holder, queue.keeps
    parts = []
    if holder is not None:
        parts.append(f"in use by {who(holder)}{since(holder, now)}{left(holder)}")
    elif keeps is None:
        first = next((one for one in queue.standings if not one.mine), None)
        parts.append("in use, nobody says by whom" if first is None else f"{who(first)} goes first")
    if keeps is not None and (holder is None or (holder.user, holder.host) != _of(keeps)):
        ends = clock(now, keeps.ends_s)
        parts.append(f"reserved for {keeps.user}@{keeps.host} until {ends} ({keeps.id})")
    others = sum(1 for one in queue.standings if not one.holds)
    if queue.place is None and holder is not None and others:
        parts.append("1 waits" if others == 1 else f"{others} wait")
    if queue.place is not None:
        parts.append(f"you are {_ordinal(queue.place)} of {queue.waiting}")
    return "; ".join(parts)


def without_us(queue: Queue) -> Queue:
    """Return the queue as it is without who asks."""
    others = tuple(one for one in queue.standings if not one.mine)
    return replace(queue, standings=others, place=None)


def who(one: Queued) -> str:
    """Return who somebody says that they are: user, host, account and run."""
    account = f", account {one.account}" if one.account else ""
    return f"{one.user}@{one.host}{account}" + (f", run {one.run}" if one.run else "")


def since(one: Queued, now: datetime) -> str:
    """Return since when, or nothing."""
    return "" if one.for_s is None else f", since {clock(now, -one.for_s)}"


def left(one: Queued) -> str:
    """Return about how long they take still, or nothing; it never counts below a minute."""
    if one.left_s is None:
        return ""
    return f", about {span(one.left_s)} left" if one.left_s >= 1 else ", due to end by now"


def span(seconds: float) -> str:
    """Return about how long: `1 min`, `25 min`, `2 h 10 min`, `3 d 4 h`."""
    minutes = max(1, round(seconds / 60))
    if minutes > 20:
        minutes = 5 * round(minutes / 5)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def clock(now: datetime, in_s: float) -> str:
    """Return the time of day in so many seconds from now, with the date where that is another.

    What lies beyond the years that there are is as far as those go.
    """
    try:
        at = datetime.fromtimestamp(now.timestamp() + in_s, now.tzinfo)
    except (ValueError, OverflowError, OSError):  # of a device that lies
        at = datetime.min if in_s < 0 else datetime.max
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _of(kept: ReservedTime) -> tuple[str, str]:
    return kept.user, kept.host


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
