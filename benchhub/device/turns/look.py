"""Who measures on a device and who waits, asked with a few reads of files and no agent.

What runs on the device is a shell for a few milliseconds: nothing that would disturb who measures.
Whether a file is locked is read off /proc/locks; what the files say is judged as on the device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchhub.device.events.schema import ToldQueue
from benchhub.device.session import connect
from benchhub.device.transport import Transport
from benchhub.device.turns.queue import Queue, reservation_told
from benchhub.errors import DeviceError, LinkLost
from benchhub.model.device import DeviceProfile, Reservation
from benchhub.ondevice.turns import accounts, reserved, tickets
from benchhub.ondevice.turns.claims import MOST_BYTES, told
from benchhub.ondevice.turns.order import KeptTime, Ticket, conflict
from benchhub.ondevice.turns.report import holder_entry, report
from benchhub.text import all_visible, visible

_TIMEOUT_S = 20.0
_MOST_FILES = 500
# Names and contents of others cannot begin a line of their own: names are of plain letters, and
# contents with a newline are left out.
_LOOK = """
home() { case $1 in "~") echo "$HOME";; "~/"*) echo "$HOME/${1#"~/"}";; *) echo "$1";; esac; }
root=$(home "$1")
[ -d "$root" ] || root=$(HOME=/var/tmp/benchhub-$(id -u); home "$1")
folder=$root
for one in /var/tmp /tmp; do
  set -- $(ls -ldn "$one" 2>/dev/null)
  case ${1:-}:${3:-} in
    d???????wt*:0) [ -w "$one" ] && [ -r "$one" ] && { folder=$one; break; };;
  esac
done
read -r up idle </proc/uptime || exit 98
read -r boot </proc/sys/kernel/random/boot_id || boot=
set -- $(stat -c %d:%i "$root" 2>/dev/null)
printf '\\nbenchhub %s %s %s %s\\n' "$up" "${boot:-none}" "$(id -u)" "${1:-0}"
nl='
'
count=0
for file in "$folder"/benchhub-queue-* "$folder"/benchhub-reserved-* "$folder"/benchhub-lease-* \
  "$root"/lease "$root"/lease.json; do
  case ${file##*/} in *[!a-z0-9.-]*) continue;; esac
  [ -f "$file" ] && ! [ -L "$file" ] && [ -r "$file" ] || continue
  count=$((count + 1)); [ $count -le MOST_FILES ] || break
  text=$(head -c MOST_BYTES "$file" 2>/dev/null)
  case $text in *"$nl"*) text=;; esac
  set -- $(ls -din "$file" 2>/dev/null)
  echo "file ${file##*/} ${1:-0} ${4:-0} $text"
done
echo locks
cat /proc/locks || exit 98
""".replace("MOST_FILES", str(_MOST_FILES)).replace("MOST_BYTES", str(MOST_BYTES))
_HEAD = re.compile(r"benchhub (\d+(?:\.\d+)?) (\S{1,64}) (\d{1,10}) ([\d:]{1,41})")
_FILE = re.compile(r"file ([a-z0-9.-]{1,128}) (\d{1,20}) (\d{1,10}) (.*)")
_LOCK = re.compile(r"\d+: FLOCK +\S+ +(READ|WRITE) +-?\d+ [0-9a-f]+:[0-9a-f]+:(\d+) ")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A file by which devices are shared: its name, whose it is, and how it is locked."""

    name: str
    uid: int
    says: Mapping[str, Any]
    locks: frozenset[str]


def look(
    transport: Transport,
    profile: DeviceProfile,
    now: datetime,
    stored: Sequence[Reservation] = (),
) -> Queue:
    """Return a device's queue; DeviceError where it cannot be told.

    `stored` are the reservations that a store knows of, and `now` is the time that it has.
    """
    try:
        done = transport.run(["sh", "-c", _LOOK, "benchhub", profile.root], timeout_s=_TIMEOUT_S)
    except TimeoutError as error:
        raise LinkLost(f"{profile.name}: slow: it does not tell who measures: {error}") from error
    if done.status != 0:
        said = visible(f"{done.stdout.decode('utf-8', 'replace')[-200:]} {done.stderr}").split()
        raise DeviceError(
            f"{profile.name}: cannot tell who measures without /proc/locks and a shell (status"
            f" {done.status}: {' '.join(said)[-300:] or 'it said nothing'})"
        )
    return read(profile.name, done.stdout.decode("utf-8", "replace"), now, stored)


def connected(profile: DeviceProfile, now: datetime, stored: Sequence[Reservation] = ()) -> Queue:
    """Return a device's queue, over a connection of its own; see `look`."""
    transport = connect(profile)
    try:
        return look(transport, profile, now, stored)
    finally:
        transport.close()


def read(name: str, text: str, now: datetime, stored: Sequence[Reservation] = ()) -> Queue:
    """Return the queue that a device tells of in `text`; DeviceError for another text."""
    head = next((found for line in text.splitlines() if (found := _HEAD.fullmatch(line))), None)
    _, ended, locks = text.partition("\nlocks\n")
    if head is None or not ended:
        raise DeviceError(f"{name}: what it tells of its queue is not whole; ask again")
    up, boot, uid = float(head[1]), head[2], int(head[3])
    held: dict[str, set[str]] = {}
    for kind, inode in _LOCK.findall(locks):
        held.setdefault(inode, set()).add(kind)
    files = [
        _Shown(found[1], int(found[3]), told(found[4].encode()), frozenset(held.get(found[2], ())))
        for line in text.split("\n")
        if (found := _FILE.fullmatch(line))
    ]
    viewer = Ticket(uid, 0, head[4], {})
    seen = map(_ticket, files)
    there = [one for one in seen if one is not None and conflict(one, viewer)]
    clock = _Clock("" if boot == "none" else boot, now.timestamp() - up, up)
    kept = reserved.together(
        [one for file in files if (one := _kept(file, clock)) is not None],
        reserved.of_store([reservation_told(one) for one in stored], clock),
    )
    names = {one.uid: None if one.uid == uid else f"uid {one.uid}" for one in there}
    holding = {one.uid for one in there if one.holds}
    told_queue = report(there, kept, up, names, viewer, _others(files, uid, holding))
    return ToldQueue.model_validate_json(_json(told_queue)).told()


class _Clock(reserved.Clock):
    """The device's clock, as it told it."""

    def __init__(self, boot: str, offset_s: float, now_s: float) -> None:
        self.boot, self.offset_s, self._now_s = boot, offset_s, now_s

    def now(self) -> float:
        return self._now_s


def _ticket(file: _Shown) -> Ticket | None:
    uid, number = tickets.numbers(file.name)
    if uid != file.uid or number is None or "WRITE" not in file.locks:
        return None
    says = dict(file.says)
    root = says.pop("root", "")
    return Ticket(uid, number, root if isinstance(root, str) else "", says)


def _kept(file: _Shown, clock: _Clock) -> KeptTime | None:
    return reserved.read(file.name, file.uid, file.says, clock)


def _others(files: Sequence[_Shown], uid: int, holding: set[int]) -> list[dict[str, Any]]:
    """Return who holds the device by earlier versions, which have no tickets."""
    found = []
    for file in files:
        if file.name.startswith(accounts.PREFIX):
            theirs = file.uid != uid and file.name == f"{accounts.PREFIX}{file.uid}"
            if theirs and file.locks and file.uid not in holding:
                found.append(holder_entry(accounts.shown(file.says), f"uid {file.uid}"))
        elif file.name == "lease" and "WRITE" in file.locks and uid not in holding:
            says = next((one.says for one in files if one.name == "lease.json"), {})
            found.append(holder_entry(says, None))
    return found


def _json(queue: Mapping[str, Any]) -> bytes:
    import json

    return json.dumps(all_visible(dict(queue))).encode()
