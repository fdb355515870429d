"""The queue as it is told: who measures and who waits, in order, for how long, and why."""

from typing import Any, Dict, List, Mapping, Optional, Sequence

from benchhub.ondevice.turns.order import KeptTime, Ticket, conflict, kept_from, ranked

#: Of a queue that is longer only this many are told.
MOST_ENTRIES = 32
NAMES = ("run", "user", "host", "pid", "agent", "since")


def entry(
    ticket: Ticket, now: float, account: Optional[str], mine: bool, why: str
) -> Dict[str, Any]:
    """Return one who measures or waits, as they say; times as spans, which no clock can skew."""
    says = ticket.says
    kept: Dict[str, Any] = {name: says[name] for name in NAMES if name in says}
    began = says.get("took" if ticket.holds else "entered")
    until = says.get("until")
    kept.update(
        holds=ticket.holds,
        priority=ticket.priority,
        mine=mine,
        why=why,
        for_s=None if began is None else max(0.0, now - began),
        left_s=None if until is None or not ticket.holds else max(0.0, until - now),
        account=account,
    )
    return kept


def holder_entry(holder: Mapping[str, Any], account: Optional[str]) -> Dict[str, Any]:
    """Return who holds the device by an earlier version, which tells less."""
    ticket = Ticket(0, 0, "", dict(holder, holds=1))
    return entry(ticket, 0.0, account, False, "")


def report(
    tickets: Sequence[Ticket],
    kept: Sequence[KeptTime],
    now: float,
    accounts: Mapping[int, Optional[str]],
    viewer: Ticket,
    others: Sequence[Dict[str, Any]] = (),
) -> Dict[str, Any]:
    """Return the queue as it is for `viewer`, who need not be in it, in order.

    `accounts` names the owners of tickets, None: it is this very one. `others` hold the device
    without a ticket.
    """
    order = ranked([one for one in tickets if conflict(one, viewer)], kept, now)
    entries: List[Dict[str, Any]] = list(others)
    place = None
    waiting = 0
    for at, ticket in enumerate(order):
        is_mine = ticket.name == viewer.name
        if not ticket.holds:
            waiting += 1
            place = waiting if is_mine else place
        why = "" if ticket.holds else _why(ticket, order[:at], kept, now)
        account = accounts.get(ticket.uid)
        entries.append(entry(ticket, now, account, is_mine, why))
    return {
        "place": place,
        "waiting": waiting,
        "entries": entries[:MOST_ENTRIES],
        "reserved": [
            {
                "id": one.id, "user": one.user, "host": one.host,
                "starts_s": one.starts - now, "ends_s": one.ends - now,
            }
            for one in sorted(kept, key=lambda one: one.starts)[:MOST_ENTRIES]
        ],
    }  # fmt: skip


def _why(ticket: Ticket, before: Sequence[Ticket], kept: Sequence[KeptTime], now: float) -> str:
    """Return the word for why somebody waits: a key of wire.WAITS."""
    first = [one for one in before if conflict(one, ticket)]
    if any(one.holds for one in first):
        return "measures"
    if first:
        return "first"
    if kept_from(ticket, kept, now, needs_of(ticket.says)) is not None:
        return "reserved"
    return "measures"


def needs_of(says: Mapping[str, Any]) -> float:
    """Return how long somebody thinks that they take; 0: they do not know."""
    value = says.get("needs_s", 0.0)
    return float(value) if isinstance(value, (int, float)) else 0.0
