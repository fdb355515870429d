"""The right to measure on a device: a kernel lock that lives exactly as long as its holders.

The lock is a `flock` on `<root>/lease`. Every child inherits the open descriptor, so the device
stays taken until the last process of a run is gone, even when the agent was killed outright.
"""

import fcntl
import json
import os
import time
from typing import Any, Dict, Mapping


class Busy(Exception):
    """Somebody else holds the lease; `holder` is what they said of themselves."""

    def __init__(self, holder: Mapping[str, Any]) -> None:
        super().__init__(_describe(holder))
        self.holder = dict(holder)


class Lease:
    """A held lease; `fd` is the locked descriptor to hand to children."""

    def __init__(self, root: str, fd: int) -> None:
        self.root = root
        self.fd = fd

    def release(self) -> None:
        """Forget the holder and drop this process's share of the lock."""
        try:
            os.unlink(os.path.join(self.root, "lease.json"))
        except FileNotFoundError:
            pass
        finally:
            os.close(self.fd)


def acquire(root: str, holder: Mapping[str, Any]) -> Lease:
    """Take the lease below `root` without waiting; Busy if it is held, OSError for a bad root."""
    for name in ("blobs", "runner"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    fd = os.open(os.path.join(root, "lease"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise Busy(_read_holder(root)) from None
    try:
        _write_holder(root, holder)
    except OSError:
        os.close(fd)
        raise
    return Lease(root, fd)


def _write_holder(root: str, holder: Mapping[str, Any]) -> None:
    record = dict(holder)
    record.setdefault("since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    path = os.path.join(root, "lease.json")
    part = path + ".part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.replace(part, path)
    except OSError:
        if os.path.exists(part):
            os.unlink(part)
        raise


def _read_holder(root: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(root, "lease.json"), encoding="utf-8") as file:
            holder = json.load(file)
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _describe(holder: Mapping[str, Any]) -> str:
    if not holder:
        return "the device is in use; its holder left no name"
    text = "the device is in use by %s@%s" % (holder.get("user", "?"), holder.get("host", "?"))
    if holder.get("run"):
        text += ", run %s" % holder["run"]
    if holder.get("pid"):
        text += ", pid %s" % holder["pid"]
    return text + ", since %s" % holder.get("since", "?")
