"""Who goes first: a pure rule of numbers that were handed out under a lock, and of no clock.

Who measures stays where they are. Then comes for whom the device is reserved now, then the higher
priority, then who came earlier.
"""

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

#: The priorities that may be asked for; the usual one is 0.
PRIORITIES = range(-9, 10)
#: A reservation begins within this time, and lasts no longer than that.
MOST_AHEAD_S, MOST_LONG_S = 90 * 86400.0, 7 * 86400.0


class Ticket(NamedTuple):
    """A place in the queue: whose account, which number, which root, and what they say."""

    uid: int
    number: int
    root: str
    says: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The file of it, as `tickets` has them."""
        return "%d-%d" % (self.uid, self.number)

    @property
    def holds(self) -> bool:
        """Whether its owner measures, as they say."""
        return bool(self.says.get("holds"))

    @property
    def measures(self) -> bool:
        """Whether its owner has the device, as they say; an heir holds it and has it not yet."""
        return self.holds and "took" in self.says

    @property
    def priority(self) -> int:
        """What was asked for, within what may be."""
        value = self.says.get("priority", 0)
        return value if isinstance(value, int) and value in PRIORITIES else 0


class KeptTime(NamedTuple):
    """A device that is kept for somebody, in seconds of its clock `hall.now_s`.

    `uid` is whose file says so; None: the controller's store does.
    """

    id: str
    uid: Optional[int]
    user: str
    host: str
    starts: float
    ends: float

    def is_for(self, uid: int, says: Mapping[str, Any]) -> bool:
        """Return whether it is kept for who says so of themselves."""
        if self.uid is not None and self.uid != uid:
            return False
        if says.get("id") == self.id:
            return True
        return (says.get("user"), says.get("host")) == (self.user, self.host)


def conflict(one: Ticket, other: Ticket) -> bool:
    """Return whether two may not measure at once; several roots of an account are its affair."""
    return one.uid != other.uid or one.root == other.root


def ranked(tickets: Sequence[Ticket], kept: Sequence[KeptTime], now: float) -> List[Ticket]:
    """Return tickets in the order in which they measure."""
    active = [one for one in kept if one.starts <= now < one.ends]

    def key(ticket: Ticket) -> Tuple[bool, bool, int, int, int]:
        favoured = any(one.is_for(ticket.uid, ticket.says) for one in active)
        return not ticket.holds, not favoured, -ticket.priority, ticket.number, ticket.uid

    return sorted(tickets, key=key)


def in_front(
    mine: Ticket, tickets: Sequence[Ticket], kept: Sequence[KeptTime], now: float
) -> List[Ticket]:
    """Return who goes before `mine` and is in its way, or in that of one of these, in order."""
    found = ranked([*(t for t in tickets if t.name != mine.name), mine], kept, now)
    there: List[Ticket] = []
    for one in reversed(found[: found.index(mine)]):
        if any(conflict(one, other) for other in (mine, *there)):
            there.insert(0, one)
    return there if any(conflict(one, mine) for one in there) else []


def kept_from(
    mine: Ticket, kept: Sequence[KeptTime], now: float, needs_s: float
) -> Optional[KeptTime]:
    """Return the reservation of somebody else that is in the way: it is on, or begins too soon.

    `needs_s` is how long `mine` thinks that it takes; 0: it does not know.
    """
    for one in sorted(kept, key=lambda one: one.starts):
        if one.is_for(mine.uid, mine.says) or one.ends <= now:
            continue
        if one.starts <= now + needs_s:
            return one
    return None
