"""What dask's workers are asked to do here: answer after a while with so many bytes."""

from __future__ import annotations

import functools
import json
import random
import time
from typing import Any

from benchhub.ondevice.wire import PROTOCOL

#: Of one launch: the job that goes out, and the lines that come back.
REQUEST_BYTES, ANSWER_BYTES = 3_000, 30_000
#: What `launch` is answered with: that it was taken.
TAKEN_BYTES = 200


def answered(request: bytes, answer_bytes: int, wait_s: float = 0.0) -> bytes:
    """Return so many bytes that do not compress, after `wait_s`."""
    if wait_s > 0:
        time.sleep(wait_s)  # the subject
    return _bytes(answer_bytes)


def lines_of(wait_s: float, samples: int) -> bytes:
    """Return the lines of one launch of so many samples, after `wait_s`."""
    if wait_s > 0:
        time.sleep(wait_s)  # the subject
    return _lines(samples)


@functools.cache
def _bytes(count: int) -> bytes:
    return random.Random(count).randbytes(count)


@functools.cache
def _lines(samples: int) -> bytes:
    from benchmarks.fleet.simulated import answers

    said = []
    for number, event in enumerate(answers({"do": "launch", "job": job(samples)})):
        head: dict[str, Any] = {"v": PROTOCOL, "n": number, "to": "1"}
        said.append(json.dumps({**head, **event}).encode())
    return b"\n".join(said)


def job(samples: int) -> dict[str, Any]:
    """Return what the simulated device reads of a job of so many timed calls."""
    return {"iterations": samples, "warmup": 10, "output_cases": 0, "inputs": {}}
