"""What is known of verified files without reading them again: one index file for all of them.

A seal is the file's size, mtime, ctime and inode at the moment it was verified, and the boot of
the machine this happened in. Files are not flushed to disk before they are sealed: what a crash
can take from them is found because the seals of an earlier boot do not count.
"""

import os
import re
from typing import Dict, Iterable, Tuple

from benchhub.ondevice.agent.private import fresh, ours

#: Size, mtime and ctime in nanoseconds, inode.
Fingerprint = Tuple[int, int, int, int]

_LINE = re.compile(r"([0-9a-f]{64}) (\d+) (-?\d+) (-?\d+) (\d+) (\S*)\Z")
_BOOT_FILE = "/proc/sys/kernel/random/boot_id"


class Seals:
    """The seals in one index file; `boot` names the machine's current boot, "" if unknown.

    Where the boot is unknown the caller must flush files before sealing them.
    """

    def __init__(self, path: str, boot_file: str = _BOOT_FILE) -> None:
        self.boot = _read(boot_file).strip()
        self._path = path
        self._known: Dict[str, Fingerprint] = {}
        try:
            if not ours(path):
                os.unlink(path)  # what others wrote of our files is worth nothing
        except FileNotFoundError:
            pass
        lines = _read(path).split("\n")
        for line in lines:
            match = _LINE.match(line)  # a torn line is no seal
            if match and match.group(6) == self.boot:
                size, mtime, ctime, inode = (int(match.group(i)) for i in range(2, 6))
                self._known[match.group(1)] = (size, mtime, ctime, inode)
        if len(lines) > 1000 + 2 * len(self._known):
            self._rewrite()

    def holds(self, digest: str, path: str) -> bool:
        """Return whether the file is as it was when it was verified; FileNotFoundError."""
        return self._known.get(digest) == fingerprint(path)

    def add(self, files: Iterable[Tuple[str, str]]) -> None:
        """Seal files, (digest, path) each, that were verified just now; FileNotFoundError."""
        fresh = {digest: fingerprint(path) for digest, path in files}
        self._known.update(fresh)
        # It starts on a line of its own even where the last one was torn.
        text = "\n" + "".join(self._line(digest) for digest in fresh)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        try:
            with open(os.open(self._path, flags, 0o600), "w", encoding="ascii") as file:
                file.write(text)
        except OSError:
            return  # a full disk: this process knows, and the next one will read the files again

    def _line(self, digest: str) -> str:
        return "%s %d %d %d %d %s\n" % ((digest,) + self._known[digest] + (self.boot,))

    def _rewrite(self) -> None:
        part = self._path + ".part"
        try:
            with open(fresh(part), "w", encoding="ascii") as file:
                file.writelines(self._line(digest) for digest in self._known)
            os.replace(part, self._path)
        except OSError:
            return  # a long index is as good as a short one


def fingerprint(path: str) -> Fingerprint:
    """Return what a seal remembers of a file; FileNotFoundError."""
    facts = os.lstat(path)
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
