"""A third party's backend with a clock and a memory count of its own, as a distribution."""

from __future__ import annotations

from pathlib import Path

SOURCE = """
import time

from benchhub.ondevice.backends import Description, BackendOption
from benchhub.ondevice.failed import Failed

BACKEND = Description(
    "tracking", __name__, (), ("f32",), distributions=("tracking-backend",),
    options={"fault": BackendOption(""), "pause_s": BackendOption(0.0)},
)


def version():
    return "7"


class Call:
    def __init__(self, lose, pause_s):
        self.made, self.lose, self.pause_s = None, lose, pause_s

    def __call__(self):
        if self.pause_s:
            time.sleep(self.pause_s)
        if self.made is not None:
            self.made += 1

    def begin(self, calls):
        self.made = 0

    def tracks(self):
        counted = [1000 * (n + 1) for n in range(self.made)]
        return {"device": counted[self.lose:], "copy_in": [7] * self.made}


class Session:
    inputs, outputs, provider, precision = (), (), "tracking", "f32"

    def __init__(self, options):
        self.lose = int(options.options.get("fault") == "lost")
        self.pause_s = options.options.get("pause_s", 0)
        self.details = {"concurrency": options.concurrency}

    def bind(self, feeds):
        return Call(self.lose, self.pause_s)

    def run(self, feeds):
        return []

    def gpu_bytes(self):
        return 123456789


def load(path, options):
    fault = options.options.get("fault")
    if fault == "memory":
        raise MemoryError("no room\\n for 9 GiB")
    if fault == "failed":
        raise Failed("unsupported", "no kernel for Foo;\\nuse another backend")
    return Session(options)
"""


def installed(site: Path) -> Path:
    """Write the distribution into `site` and return it."""
    info = site / "tracking_backend-7.dist-info"
    info.mkdir(parents=True)
    (site / "tracking_backend.py").write_text(SOURCE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tracking-backend\nVersion: 7\n")
    (info / "entry_points.txt").write_text(
        "[benchhub.backends]\ntracking = tracking_backend:BACKEND\n"
    )
    return site
