"""The way from asking for a device to measuring on it: a ticket, and sleep until its turn.

Who waits sleeps in flock(2) on the ticket of whoever measures, and is woken by the kernel when that
one is done or dies. Then it looks who is in front: they go first, unless they do not move (see
`passing`).
"""

import fcntl
import os
import threading
import time
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    NoReturn,
    Optional,
    Sequence,
    Union,
)

from benchhub.ondevice.agent.private import account, prepare
from benchhub.ondevice.turns import accounts, reserved, tickets
from benchhub.ondevice.turns.hall import FOLDERS, Busy, Hall, entered, folder_of, is_sticky, now_s
from benchhub.ondevice.turns.lease import Lease, read_holder, take_root, write_holder
from benchhub.ondevice.turns.order import KeptTime, Ticket, conflict, in_front, kept_from
from benchhub.ondevice.turns.passing import Patience
from benchhub.ondevice.turns.report import NAMES, holder_entry, needs_of, report

#: A reservation has no process whose end would wake a sleeper: it looks this often at most.
_LOOK_S = 30.0
#: Somebody who is just being woken shares a lock for a moment.
_MOMENT_S = 0.3
_AGAIN_S = 0.02
#: Who does not want to wait sees whether those in front take a free device; greeting has a minute.
_MOST_BRIEF_S = 45.0
#: All that wait wake when the device is free: each lets those in front look first.
_STEP_S, _MOST_STEPS_S = 0.05, 2.0


class Demand(NamedTuple):
    """How somebody asks for a device: see `hello` in wire.py; what is missing is usual."""

    priority: int = 0
    needs_s: float = 0.0
    now: Optional[float] = None
    reservation: str = ""
    reservations: Any = None
    heir: bool = False


USUAL = Demand()


class _Wait(NamedTuple):
    """What to wait for: so many seconds, or that a lock, `kind` of `fd`, is free.

    `then_s`: how long to stay away after that, for those in front. `brief_s`: how long who does not
    want to wait may be at it.
    """

    seconds: float = 0.0
    fd: Optional[int] = None
    kind: int = fcntl.LOCK_SH
    then_s: float = 0.0
    brief_s: float = 0.0


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
        self._patience = Patience()
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
        told, began = False, time.monotonic()
        while True:
            with entered(self._folder) as hall:
                found = self._try(hall)
            if isinstance(found, Lease):
                with self._lock:
                    self._over = True
                return found
            if wait and not told:
                on_wait(self.queue())
                told = True
            if not wait and time.monotonic() - began > found.brief_s:
                _let_go(found)
                self._refuse()
            _wait(found, wait)

    def _refuse(self) -> NoReturn:
        queue = self.queue()
        entries: List[Dict[str, Any]] = queue["entries"]
        first = next((one for one in entries if not one["mine"]), {})
        names = (*NAMES, "account")
        raise Busy({n: first[n] for n in names if first.get(n) is not None}, queue)

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

    def _try(self, hall: Hall) -> Union[Lease, _Wait]:
        """Return the lease, or what to wait for."""
        now, mine = now_s(), self._mine.ticket
        kept = _reserved(hall, self._clock, self._asked.reservations)
        found = self._behind(hall, in_front(mine, tickets.live(hall), kept, now), kept, now)
        if found is not None:
            return found
        other = kept_from(mine, kept, now, needs_of(mine.says))
        if other is not None and not self._asked.heir:
            return _Wait(max(_MOMENT_S, min(_LOOK_S, other.ends - now)))
        found = self._without_ticket(hall)
        if found is not None:
            return found
        try:
            locks = [take_root(self._root)]
        except Busy:  # an earlier version, just now: it does not ask who is here
            return _Wait(_AGAIN_S, brief_s=_MOMENT_S)
        try:
            if self._shared:
                locks.append(accounts.take_ours(hall, self._holder))
            write_holder(self._root, self._holder)
            self._mine.say(holds=1, took=now)
        except BaseException:
            for fd in locks:
                os.close(fd)
            raise
        return Lease(self._root, self._folder, tuple(locks), self._mine)

    def _behind(
        self, hall: Hall, front: Sequence[Ticket], kept: Sequence[KeptTime], now: float
    ) -> Optional[_Wait]:
        """Return what to wait for behind `front`; None: nobody is there, or none of them moves."""
        if not front:
            return None
        found = self._at_it(hall, front)
        if found is None:
            first = front[0]
            other = kept_from(first, kept, now, needs_of(first.says))
            if other is None:
                again_s = self._patience.again_s(front)
                return None if again_s is None else _Wait(again_s, brief_s=_MOST_BRIEF_S)
            found = _Wait(max(_MOMENT_S, min(_LOOK_S, other.ends - now)))
        self._patience.begin_anew()
        return found

    def _at_it(self, hall: Hall, front: Sequence[Ticket]) -> Optional[_Wait]:
        """Return the end of whoever measures, to be waited for; None: nobody does."""
        waiting = [one for one in front if not one.measures]
        for one in front:
            if one.measures and conflict(one, self._mine.ticket):
                fd = hall.opened(tickets.PREFIX + one.name)
                then_s = min(_STEP_S * len(waiting), _MOST_STEPS_S)
                return _Wait(_MOMENT_S) if fd is None else _Wait(fd=fd, then_s=then_s)
        if len(waiting) < len(front):
            return _Wait(_LOOK_S)  # not in our way, and in that of who is before us
        return self._without_ticket(hall)

    def _without_ticket(self, hall: Hall) -> Optional[_Wait]:
        """Return the end of whoever measures without a ticket; None: nobody does.

        It is an earlier version, or what an agent that ended has left behind.
        """
        try:
            os.close(take_root(self._root))
        except Busy:
            path = os.path.join(self._root, "lease")
            return _Wait(fd=os.open(path, os.O_RDONLY | os.O_NOFOLLOW), brief_s=_MOMENT_S)
        theirs = accounts.held_by_another(hall) if self._shared else None
        if theirs is None:
            return None
        fd = hall.opened(theirs.name)
        if fd is None:
            return _Wait(_MOMENT_S)
        return _Wait(fd=fd, kind=fcntl.LOCK_EX, brief_s=_MOMENT_S)


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


def _wait(found: _Wait, patient: bool) -> None:
    if found.fd is None:
        time.sleep(found.seconds)
    elif patient:
        try:
            fcntl.flock(found.fd, found.kind)
        finally:
            os.close(found.fd)
        time.sleep(found.then_s)
    else:
        os.close(found.fd)
        time.sleep(_AGAIN_S)


def _let_go(found: _Wait) -> None:
    if found.fd is not None:
        os.close(found.fd)
