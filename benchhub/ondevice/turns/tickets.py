"""Tickets: a file for each who measures or waits, locked while its owner's processes live.

`benchhub-queue-<uid>-<number>` is made and written by its owner alone. A file whose lock is free
belongs to nobody any more, whatever it says; the next agent of that account removes it.
"""

import contextlib
import fcntl
import os
from typing import Any, Dict, List, Optional

from benchhub.ondevice.turns.claims import MOST_BYTES, told, written
from benchhub.ondevice.turns.hall import Hall, locked
from benchhub.ondevice.turns.order import Ticket

PREFIX = "benchhub-queue-"
_MOST_DIGITS = 15
#: Numbers from here on are not counted up from: somebody made them up.
_MADE_UP = 10**9
_MOST_TRIES = 1000
_FILE_BYTES = 1024


class Mine:
    """A ticket of this process: `fd` is its lock, which children share."""

    def __init__(self, ticket: Ticket, fd: int) -> None:
        self.ticket = ticket
        self.fd = fd
        self._bytes = _FILE_BYTES

    def say(self, **more: Any) -> None:
        """Tell others more, in place of what was told before; OSError where the disk is full."""
        says: Dict[str, Any] = dict(self.ticket.says, **more)
        data = written(says, self._bytes)
        self._bytes = len(data)
        os.pwrite(self.fd, data, 0)
        self.ticket = self.ticket._replace(says=says)

    def leave(self, folder: str) -> None:
        """Give the place up; whoever sleeps on it wakes once no child holds it either."""
        self.forget(folder)
        os.close(self.fd)

    def forget(self, folder: str) -> None:
        """Remove the file, from any thread; the lock goes with the process."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, PREFIX + self.ticket.name))


def live(hall: Hall) -> List[Ticket]:
    """Return the tickets of all that live; dead ones of this account are removed."""
    found = []
    for name in hall.names(PREFIX):
        uid, number = numbers(name)
        if uid is None or number is None:
            continue
        fd = hall.opened(name)
        if fd is None:
            continue
        try:
            if os.fstat(fd).st_uid != uid:
                continue  # a forgery: nobody speaks for another account
            # Those who wait for it share its lock, for a moment, once it has ended.
            if not locked(fd, fcntl.LOCK_SH):
                says = told(os.pread(fd, MOST_BYTES, 0))
                root = says.pop("root", "")
                found.append(Ticket(uid, number, root if isinstance(root, str) else "", says))
            elif uid == os.geteuid():
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=hall.fd)
        finally:
            os.close(fd)
    return found


def drawn(hall: Hall, root: str, says: Dict[str, Any]) -> Mine:
    """Return a new ticket, behind all that are there; OSError where none can be made."""
    uid, there = os.geteuid(), live(hall)
    first = 1 + max((one.number for one in there if one.number < _MADE_UP), default=0)
    taken = {one.number for one in there if one.uid == uid}
    for number in range(first, first + _MOST_TRIES):
        if number in taken:
            continue
        ticket = Ticket(uid, number, root, dict(says, root=root))
        with contextlib.suppress(FileExistsError):  # somebody else's, in our name
            fd = hall.made(PREFIX + ticket.name)
            break
    else:
        raise OSError("%s is full of files of others in this account's name" % hall.folder)
    mine = Mine(ticket, fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine.say()
    except BaseException:
        mine.leave(hall.folder)
        raise
    return mine


def numbers(name: str) -> "tuple[Optional[int], Optional[int]]":
    """Return the uid and the number in a ticket's name, which may be any name; None: it is none."""
    if not name.startswith(PREFIX):
        return None, None
    uid, _, number = name[len(PREFIX) :].partition("-")
    whole = all(part.isascii() and part.isdigit() for part in (uid, number))
    if not whole or max(len(uid), len(number)) > _MOST_DIGITS:
        return None, None
    if str(int(uid)) != uid or str(int(number)) != number:
        return None, None  # a second spelling
    return int(uid), int(number)
