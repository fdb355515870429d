"""The right to measure on a device: a kernel lock that lives exactly as long as its holders.

The lock is a `flock` on `<root>/lease`, one that other accounts see (see `accounts`), and that of a
ticket, on which those who wait for it sleep (see `tickets`). Every child inherits the open
descriptors, so the device stays taken until the last process of a run is gone, even when the agent
was killed outright.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from typing import Any, Dict, Mapping, Optional, Tuple

from benchhub.ondevice.agent.private import NotPrivate, fresh, opened
from benchhub.ondevice.turns.hall import Busy, entered, locked, now_s
from benchhub.ondevice.turns.order import conflict
from benchhub.ondevice.turns.tickets import Mine, live

#: How long what an ended agent had started may take to be gone, too.
_END_S = 5.0
#: An estimate is told anew where it moved by more than this: seconds, and a share of what is left.
_ABOUT_S, _ABOUT = 5.0, 0.1
_MOST_BYTES = 1 << 16


class Lease:
    """A held lease; `fds` are the locked descriptors to hand to children."""

    def __init__(self, root: str, folder: str, fds: Tuple[int, ...], mine: Mine) -> None:
        self.root = root
        self.fds = (*fds, mine.fd)
        self._folder = folder
        self._locks = fds
        self._mine = mine
        self._until = 0.0

    def expects(self, left_s: float) -> None:
        """Let others know how long it takes; written only where they would be told wrong."""
        until = now_s() + left_s
        if abs(until - self._until) < max(_ABOUT_S, _ABOUT * left_s):
            return
        self._until = until
        with contextlib.suppress(OSError):  # a full disk takes no word, and is no reason to stop
            self._mine.say(until=until)

    def waiting(self) -> int:
        """Return how many others wait for the device."""
        mine = self._mine.ticket
        try:
            with entered(self._folder) as hall:
                there = live(hall)
        except (OSError, Busy):
            return 0
        return sum(not o.holds and o.name != mine.name and conflict(o, mine) for o in there)

    def release(self) -> None:
        """Forget the holder and drop this process's share of the lock; who waits wakes last."""
        try:
            os.unlink(os.path.join(self.root, "lease.json"))
        except FileNotFoundError:
            pass
        finally:
            for fd in self._locks:
                os.close(fd)
            self._mine.leave(self._folder)


def end_stale(root: str, ours: Mapping[str, Any], pid: int) -> Optional[str]:
    """End the agent `pid` of the run and controller `ours` if it holds the lease; say what it was.

    None where there is no such agent, or another one by now. Its link broke, or it would be asked
    itself.
    """
    state = stale(root, ours, pid)
    if state is None:
        return None
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return None
    until = time.monotonic() + _END_S
    while _is_held(root) and time.monotonic() < until:
        time.sleep(0.02)
    return "process %d, which %s" % (pid, "was stopped" if state in "Tt" else "still waited")


def stale(root: str, ours: Mapping[str, Any], pid: Any) -> Optional[str]:
    """Return the state of such an agent, a letter of proc(5); None where there is none."""
    holder = read_holder(root)
    if type(pid) is not int or holder.get("agent") != pid or pid in (0, 1, os.getpid()):
        return None
    if any(holder.get(name) != ours.get(name) for name in ("run", "host")):
        return None
    return _state(pid)


def _state(pid: int) -> Optional[str]:
    """Return the state of a process, a letter of proc(5); None unless it is an agent of ours."""
    folder = "/proc/%d/" % pid
    try:
        with open(folder + "cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
        with open(folder + "stat", "rb") as file:
            state = file.read().rpartition(b") ")[2][:1].decode("ascii")
        owner = os.stat(folder).st_uid
    except (OSError, ValueError):
        return None
    an_agent = len(words) >= 2 and words[-1] == b"agent" and words[-2].endswith(b".pyz")
    return state if an_agent and owner == os.getuid() else None


def _is_held(root: str) -> bool:
    try:
        fd = opened(os.path.join(root, "lease"), os.O_RDWR)
    except (OSError, NotPrivate):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def take_root(root: str) -> int:
    """Return the locked descriptor of a root that was prepared; Busy where it is held."""
    path = os.path.join(root, "lease")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fd = opened(path, os.O_RDWR)
    if not locked(fd, fcntl.LOCK_EX):
        os.close(fd)
        raise Busy(read_holder(root))
    return fd


def write_holder(root: str, holder: Mapping[str, Any]) -> None:
    """Say who holds the root, for earlier versions too; OSError where that cannot be written."""
    record = dict(holder)
    record["agent"] = os.getpid()
    record.setdefault("since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    path = os.path.join(root, "lease.json")
    part = path + ".part"
    try:
        with open(fresh(part), "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.replace(part, path)
    except OSError:
        if os.path.lexists(part):
            os.unlink(part)
        raise


def read_holder(root: str) -> Dict[str, Any]:
    """Return what who took a root said last; it may be held by nobody any more."""
    try:
        with open(opened(os.path.join(root, "lease.json"), os.O_RDONLY), "rb") as file:
            holder = json.loads(file.read(_MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError, NotPrivate):
        return {}
    return holder if isinstance(holder, dict) else {}
