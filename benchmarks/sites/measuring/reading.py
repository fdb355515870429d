"""Reading and checking the lines of one launch, as a controller does."""

from __future__ import annotations

import time
from typing import Any

from benchhub.device.events.expected import Expected
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import parse
from benchhub.device.events.plausible import implausible
from benchhub.ondevice.wire import Job
from benchmarks.sites.measuring import tasks

_EXPECTED = Expected()


def measure(rounds: int, samples: tuple[int, ...] = (200, 2000)) -> list[dict[str, Any]]:
    """Return the processor time of a launch's lines, by the number of its samples."""
    points = []
    for count in samples:
        lines, job = tasks.lines_of(0.0, count), job_of(count)
        read(lines, job)
        began = time.process_time()
        for _ in range(rounds):
            read(lines, job)
        took_s = time.process_time() - began
        points.append({"samples": count, "bytes": len(lines), "client_ms": 1e3 * took_s / rounds})
    return points


def job_of(samples: int) -> Job:
    """Return the job whose lines `tasks.lines_of` answers with."""
    return Job("cell", 0, "null", "latency", None, "none", {}, iterations=samples, output_cases=0)


def read(lines: bytes, job: Job) -> None:
    """Read and check the lines of a launch; AssertionError where they are no finished one."""
    folding = Folding(job, _EXPECTED)
    for line in lines.split(b"\n"):
        folding.take(parse(line))
    doubt = implausible(folding.outcome, job, _EXPECTED)
    if doubt is not None or folding.outcome.status != "finished":
        raise AssertionError(doubt)
