"""Runs a command while the time of day is set forwards and backwards: `stepped_clock.py CMD..`.

Only for the command and what it starts. Debian 12's libfaketime cannot: under it every `time.sleep`
of Python 3.11 is an error.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
#: How wrong the clock is in turn, in seconds; the sign is drawn, too.
WRONG_S = (0.0, 0.003, 0.7, 61.0, 3600.0, 90_000.0, 3e6)
#: Between two steps; no multiple of it is anybody's period.
PAUSE_S = 0.0317


def library(folder: Path) -> Path:
    """Compile what is preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("stepped_clock: needs a C compiler; scripts/install-system-packages brings gcc")
    made = folder / "stepped_clock.so"
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(made), str(SOURCE)], check=True)
    return made


def step(offset: mmap.mmap, over: threading.Event) -> None:
    """Set the clock until it is over."""
    draw = random.Random(1)
    while not over.wait(PAUSE_S):
        wrong_s = draw.choice((-1, 1)) * draw.choice(WRONG_S)
        offset[:8] = struct.pack("q", round(wrong_s * 1e9))


def main() -> int:
    """Run the command; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "offset")
        path.write_bytes(bytes(8))
        preload = [str(library(Path(folder))), os.environ.get("LD_PRELOAD", "")]
        env = {
            **os.environ,
            "LD_PRELOAD": ":".join(filter(None, preload)),
            "STEPPED_CLOCK": str(path),
        }
        over = threading.Event()
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as offset:
            stepping = threading.Thread(target=step, args=(offset, over))
            stepping.start()
            try:
                return subprocess.call(sys.argv[1:], env=env)
            finally:
                over.set()
                stepping.join()


if __name__ == "__main__":
    sys.exit(main())
