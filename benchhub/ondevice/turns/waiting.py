"""The way from asking for a device to measuring on it: a ticket, and sleep until its turn.

Who waits sleeps in flock(2) on the ticket of whoever goes before, and is woken by the kernel when
that one is done, gives up or dies. Then it looks again, since others may have come or gone.
"""

import fcntl
import os
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

from benchhub.ondevice.agent.private import account, prepare
from benchhub.ondevice.turns import accounts, reserved, tickets
from benchhub.ondevice.turns.hall import FOLDERS, Busy, Hall, entered, folder_of, is_sticky, now_s
from benchhub.ondevice.turns.lease import Lease, read_holder, take_root, write_holder
from benchhub.ondevice.turns.order import KeptTime, Ticket, ahead, conflict, kept_from
from benchhub.ondevice.turns.report import NAMES, holder_entry, needs_of, report

#: A reservation has no process whose end would wake a sleeper: it looks this often at most.
_LOOK_S = 30.0
#: Somebody who is just being woken shares a lock for a moment.
_MOMENT_S = 0.3


class Demand(NamedTuple):
    """How somebody asks for a device: see `hello` in wire.py; what is missing is usual."""

    priority: int = 0
    needs_s: float = 0.0
    now: Optional[float] = None
    reservation: str = ""
    reservations: Any = None
    heir: bool = False


USUAL = Demand()


class _Asleep(NamedTuple):
    """What to sleep on: a descriptor and the lock that is free once it is over.

    `briefly`: it may be over in a moment.
    """

    fd: int
    kind: int
    briefly: bool = False


Wait = Union[_Asleep, float]


class QueuePlace:
    """A place in a device's queue, from a ticket to the lease; `close` gives it up.

    Busy or NotPrivate or OSError where there can be none.
    """

    def __init__(
        self,
        root: str,
        holder: Mapping[str, Any],
        asked: Demand = USUAL,
        shared: Sequence[str] = FOLDERS,
    ) -> None:
        prepare(root)
        self._root = root
        self._holder = dict(holder)
        self._asked = asked
        self._folder = folder_of(root, shared)
        self._shared = is_sticky(self._folder)
        self._clock = reserved.Clock(asked.now)
        self._over = False
        self._lock = threading.Lock()
        says: Dict[str, Any] = dict(self._holder, agent=os.getpid(), entered=now_s())
        says.update(
            priority=asked.priority, needs_s=asked.needs_s, id=asked.reservation,
            holds=int(asked.heir),
        )  # fmt: skip
        with entered(self._folder) as hall:
            self._mine = tickets.drawn(hall, _place(root), says)

    def lease(self, wait: bool, on_wait: Callable[[Dict[str, Any]], None]) -> Lease:
        """Return the lease once it is this one's turn; Busy where that is not now, and not `wait`.

        `on_wait` hears, once, of the queue as it is before this one sleeps. With any error the
        place is given up.
        """
        try:
            return self._awaited(wait, on_wait)
        except BaseException:
            self.close()
            raise

    def _awaited(self, wait: bool, on_wait: Callable[[Dict[str, Any]], None]) -> Lease:
        told, until = False, time.monotonic() + _MOMENT_S
        while True:
            with entered(self._folder) as hall:
                found = self._try(hall)
            if isinstance(found, Lease):
                with self._lock:
                    self._over = True
                return found
            if wait:
                if not told:
                    on_wait(self.queue())
                    told = True
                _sleep(found)
            elif not _is_brief(found) or time.monotonic() > until:
                queue = self.queue()
                entries: List[Dict[str, Any]] = queue["entries"]
                first = next((one for one in entries if not one["mine"]), {})
                names = (*NAMES, "account")
                raise Busy({n: first[n] for n in names if first.get(n) is not None}, queue)
            else:
                time.sleep(0.02)

    def queue(self) -> Dict[str, Any]:
        """Return the queue as it is now; from any thread."""
        with entered(self._folder) as hall:
            return look(hall, self._root, self._clock, self._asked.reservations, self._mine.ticket)

    @property
    def over(self) -> bool:
        """Whether it is this one's turn by now."""
        return self._over

    def answer(self, waiting: Callable[[Dict[str, Any]], None]) -> bool:
        """Have `waiting` called with the queue unless the wait is over; return whether it was."""
        with self._lock:
            if not self._over:
                waiting(self.queue())
            return not self._over

    def forget(self) -> None:
        """Leave no file behind, from any thread: the process is about to end."""
        self._mine.forget(self._folder)

    def close(self) -> None:
        """Give the place up."""
        self._mine.leave(self._folder)

    def not_an_heir(self) -> None:
        """Queue like everybody else."""
        self._mine.say(holds=0)

    def _try(self, hall: Hall) -> Union[Lease, Wait]:
        """Return the lease, or what is in the way."""
        now, mine = now_s(), self._mine.ticket
        kept = _reserved(hall, self._clock, self._asked.reservations)
        first = ahead(mine, tickets.live(hall), kept, now)
        if first:
            fd = hall.opened(tickets.PREFIX + first[-1].name)
            return _MOMENT_S if fd is None else _Asleep(fd, fcntl.LOCK_SH)
        other = kept_from(mine, kept, now, needs_of(mine.says))
        if other is not None and not self._asked.heir:
            return max(_MOMENT_S, min(_LOOK_S, other.ends - now))
        try:
            root = take_root(self._root)
        except Busy:
            # Held by an earlier version, which has no ticket; or its children are not gone yet.
            path = os.path.join(self._root, "lease")
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            return _Asleep(fd, fcntl.LOCK_SH, briefly=True)
        locks = [root]
        try:
            if self._shared:
                theirs = accounts.held_by_another(hall)
                if theirs is not None:
                    os.close(root)
                    fd = hall.opened(theirs.name)
                    return _MOMENT_S if fd is None else _Asleep(fd, fcntl.LOCK_EX, briefly=True)
                locks.append(accounts.take_ours(hall, self._holder))
            write_holder(self._root, self._holder)
            self._mine.say(holds=1, took=now)
        except BaseException:
            for fd in locks:
                os.close(fd)
            raise
        return Lease(self._root, self._folder, tuple(locks), self._mine)


def look(
    hall: Hall,
    root: str,
    clock: reserved.Clock,
    stored: Any,
    viewer: Ticket,
) -> Dict[str, Any]:
    """Return the queue of a device: see `report`."""
    there = [one for one in tickets.live(hall) if conflict(one, viewer)]
    owner = os.geteuid()
    names = {one.uid: None if one.uid == owner else account(one.uid) for one in there}
    holding = {one.uid for one in there if one.holds}
    others: List[Dict[str, Any]] = []
    theirs = accounts.held_by_another(hall) if is_sticky(hall.folder) else None
    if theirs is not None and int(theirs.name[len(accounts.PREFIX) :]) not in holding:
        others.append(holder_entry(theirs.holder, theirs.holder.get("account")))
    if owner not in holding and _is_held(root):
        others.append(holder_entry(read_holder(root), None))
    kept = _reserved(hall, clock, stored)
    return report(there, kept, now_s(), names, viewer, others)


def _reserved(hall: Hall, clock: reserved.Clock, stored: Any) -> List[KeptTime]:
    return reserved.together(reserved.there(hall, clock), reserved.of_store(stored, clock))


def _place(root: str) -> str:
    """Return what tells a root from others, on whatever disk they lie."""
    facts = os.stat(root)
    return "%d:%d" % (facts.st_dev, facts.st_ino)


def _is_held(root: str) -> bool:
    try:
        os.close(take_root(root))
    except Busy:
        return True
    except OSError:
        pass
    return False


def _sleep(found: Wait) -> None:
    if not isinstance(found, _Asleep):
        time.sleep(found)
        return
    try:
        fcntl.flock(found.fd, found.kind)
    finally:
        os.close(found.fd)


def _is_brief(found: Wait) -> bool:
    """Return whether it may be over in a moment; it is not slept on."""
    if not isinstance(found, _Asleep):
        return False
    os.close(found.fd)
    return found.briefly
