"""The process that tries mutants, each written down before it is read: `child NAME FOLDER BEGIN S`.

It may be ended by any of them; `campaign` then finds it in the folder `under-way`. Mutant number N
of a target is the same whenever it is made of the same seeds.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import struct
import sys
import time
import traceback
from pathlib import Path

from . import findings
from .forms import in_form
from .mutation import MOST_BYTES, mutated
from .target import Target, Untold, tried
from .targets import corpus, known

#: How much more memory than before one try may take; `campaign` lets a file take 64 MB unpacked.
MOST_GROWTH = 600 << 20
#: What a process may have of addresses beyond those that it begins with.
_ADDRESSES = 4 << 30
#: A fresh process after so many: leaks of libraries are nobody's finding.
_MOST_TRIES = 20_000


class Trying:
    """A target with its folder: `under-way/` has the file that is read, `journal` its number."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self._folder = folder
        self._place = folder / "under-way"
        self._journal = os.open(folder / "journal", os.O_RDWR | os.O_CREAT, 0o600)
        self._peak = 0

    def one(self, number: int, content: bytes) -> None:
        """Read one mutant; what should not be told that way is kept."""
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir(parents=True)
        path = self._place / f"input{self.target.ending}"
        path.write_bytes(content)
        self.note(number)
        try:
            tried(self.target, path)
            self._check_memory()
        except Untold as error:
            text = "".join(traceback.format_exception(error))
            findings.keep(self._folder.parent.parent, self.target.name, error.kind, content, text)

    def note(self, number: int, between: bool = False) -> None:
        """Write down the number of the mutant under way, or of the next one at the end.

        `between` two mutants it takes its time to make one, which is nobody's finding.
        """
        os.pwrite(self._journal, struct.pack("<qq", number, between), 0)

    def settled(self) -> None:
        """Take the memory that is used now for what sound files need."""
        self._peak = _peak()

    def _check_memory(self) -> None:
        grown = _peak() - self._peak
        if self._peak and grown > MOST_GROWTH:
            self._peak += grown
            raise Untold("much memory", f"{grown >> 20} MB more than before")


def mutant(target: Target, number: int, seeds: list[bytes]) -> bytes:
    """Return mutant `number`: one of the seeds, changed."""
    draw = random.Random(f"{target.name} {number}")
    data = draw.choice(seeds)

    def change(part: bytes) -> bytes:
        return mutated(part, draw, target.words, seeds)

    return in_form(data, target.form, draw, change)[:MOST_BYTES]


def bounded() -> None:
    """Let this process have no more memory than a mutant may take."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _ADDRESSES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(argv: list[str]) -> None:
    """Try mutants for some seconds."""
    name, folder, begin, for_s = argv
    target = known(name)
    trying = Trying(target, Path(folder))
    seeds = [*target.seeds(), *corpus(target)]
    for number, seed in enumerate(seeds):
        trying.one(-1 - number, seed)
    trying.settled()
    bounded()
    until = time.monotonic() + float(for_s)
    number = int(begin)
    while time.monotonic() < until and number < int(begin) + _MOST_TRIES:
        trying.one(number, mutant(target, number, seeds))
        number += 1
    trying.note(number)
    os._exit(0)  # what a library does at its end is no parser's fault


def _peak() -> int:
    """Return the most memory this process has had: what getrusage tells, its parent had, too."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:", 1)[1].split()[0]) << 10


if __name__ == "__main__":
    main(sys.argv[1:])
