"""Reservations: files that say for whom a device is kept, and from when to when.

Times are those of the device's own clock since its start, which nobody sets. After a restart that
clock began anew: then the times of day count that were written beside them, held against the time
that the asking controller's store has. Where no such time is told, or it cannot be, a reservation
made before the restart counts for nothing: a device is not to be kept for ever for nobody.
"""

import contextlib
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from benchhub.ondevice.turns.claims import MOST_BYTES, number, told, written
from benchhub.ondevice.turns.hall import Hall, boot_id, now_s
from benchhub.ondevice.turns.order import MOST_AHEAD_S, MOST_LONG_S, KeptTime

PREFIX = "benchhub-reserved-"
_ID_CHARS = frozenset("0123456789abcdef")
#: A store whose clock is before this has none that can be meant.
_FIRST_UTC_S = 1.7e9
_MOST_OF_A_STORE = 64
#: A time of day that is told takes this long to get here, at most.
_ABOUT_S = 5.0


class Clock:
    """The device's clock, and what it is in the time of day of a store; `offset_s` None: unknown.

    That is anchored once, when the controller told its time.
    """

    def __init__(self, now_utc: Any) -> None:
        self.boot = boot_id()
        utc = number(now_utc)
        self.offset_s = None if utc is None or utc < _FIRST_UTC_S else utc - now_s()

    def now(self) -> float:
        """Return seconds since the device was started."""
        return now_s()

    def since_start(self, utc: float) -> Optional[float]:
        """Return a time of day as seconds since the device's start; None: that is unknown."""
        return None if self.offset_s is None else utc - self.offset_s


class Overlap(Exception):
    """Somebody has the device reserved for a part of that time."""

    def __init__(self, other: KeptTime) -> None:
        super().__init__("reserved by %s@%s (%s)" % (other.user, other.host, other.id))
        self.other = other


def there(hall: Hall, clock: Clock) -> List[KeptTime]:
    """Return what is reserved from now on; what is over and this account's is removed."""
    found = []
    for name in hall.names(PREFIX):
        fd = hall.opened(name)
        if fd is None:
            continue
        try:
            owner = os.fstat(fd).st_uid
            says = told(os.pread(fd, MOST_BYTES, 0))
        finally:
            os.close(fd)
        one = read(name, owner, says, clock)
        if one is not None:
            found.append(one)
        elif owner == os.geteuid() and _is_over(says, clock):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=hall.fd)
    return found


def read(name: str, owner: int, says: Mapping[str, Any], clock: Clock) -> Optional[KeptTime]:
    """Return what a file reserves; None where it is another's, over, or says nothing."""
    uid, _, identity = name[len(PREFIX) :].partition("-")
    if not name.startswith(PREFIX) or str(owner) != uid or not _is_id(identity):
        return None
    one = _times(identity, owner, says, clock)
    return one if one is not None and one.ends > clock.now() else None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 32 and set(text) <= _ID_CHARS


def _times(
    identity: str, uid: Optional[int], says: Mapping[str, Any], clock: Clock
) -> Optional[KeptTime]:
    """Return a reservation in seconds of this start of the device; None where it says nothing."""
    starts, ends = says.get("starts"), says.get("ends")
    if not clock.boot or says.get("boot") != clock.boot:
        utc = [says.get("from_utc"), says.get("until_utc")]
        starts, ends = (None if one is None else clock.since_start(one) for one in utc)
    if starts is None or ends is None:
        return None
    if not 0 < ends - starts <= MOST_LONG_S or starts > clock.now() + MOST_AHEAD_S:
        return None
    user, host = str(says.get("user", "?")), str(says.get("host", "?"))
    return KeptTime(identity, uid, user, host, starts, ends)


def _is_over(says: Mapping[str, Any], clock: Clock) -> bool:
    """Return whether it never counts again; one that no clock can place may, once one is told."""
    if clock.boot and says.get("boot") == clock.boot:
        return bool(says.get("ends", 0.0) <= clock.now())
    until = clock.since_start(says.get("until_utc", 0.0))
    return until is not None and until <= clock.now()


def of_store(records: Any, clock: Clock) -> List[KeptTime]:
    """Return what a controller's store says, by the time that it told; wrong records are left."""
    found = []
    for record in records[:_MOST_OF_A_STORE] if isinstance(records, list) else ():
        says = told(written(record)) if isinstance(record, dict) else {}
        identity = says.get("id")
        if isinstance(identity, str) and _is_id(identity):
            one = _times(identity, None, dict(says, boot=None), clock)
            if one is not None and one.ends > clock.now():
                found.append(one)
    return found


def together(here: Sequence[KeptTime], stored: Sequence[KeptTime]) -> List[KeptTime]:
    """Return all; where both know of one the device's own word counts."""
    known = {one.id for one in here}
    return [*here, *(one for one in stored if one.id not in known)]


def make(hall: Hall, clock: Clock, says: Mapping[str, Any], stored: Any) -> KeptTime:
    """Write a reservation down; Overlap, ValueError for times that cannot be, OSError.

    `says` has its id, user, host and times of day; the clock, which knows the time, those of here.
    """
    record: Dict[str, Any] = told(written(dict(says)))
    identity, uid = record.get("id"), os.geteuid()
    if not isinstance(identity, str) or not _is_id(identity):
        raise ValueError("a reservation needs an id of hexadecimal digits")
    wanted = _times(identity, uid, dict(record, boot=None), clock)
    if wanted is None or wanted.ends <= clock.now():
        raise ValueError("a reservation from now on, of at most a week, needs a clock")
    for other in together(there(hall, clock), of_store(stored, clock)):
        shared_s = min(other.ends, wanted.ends) - max(other.starts, wanted.starts)
        if other.id != identity and shared_s > _ABOUT_S:
            raise Overlap(other)
    record.update(boot=clock.boot, starts=max(0.0, wanted.starts), ends=wanted.ends)
    fd = hall.made("%s%d-%s" % (PREFIX, uid, identity))
    try:
        os.pwrite(fd, written(record), 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    return wanted


def cancel(hall: Hall, identity: str) -> bool:
    """Remove a reservation of this account; False where there is none."""
    if not _is_id(identity):
        return False
    try:
        os.unlink("%s%d-%s" % (PREFIX, os.geteuid(), identity), dir_fd=hall.fd)
    except FileNotFoundError:
        return False
    return True
