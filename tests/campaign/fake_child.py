"""Stands for a launch on a device: `fake_child.py JOURNAL DEVICE PACE_S ROOT`, a job on stdin.

It does as the runner's child does, but computes nothing: its samples tell its cell and itself (see
`answer`), and what it did is in the journal. Started without site packages, so in a few
milliseconds.
"""

import _thread
import base64
import json
import os
import sys
import time
from array import array

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from campaign import answer, journal


def main() -> int:
    """Answer one job."""
    path, device, pace_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    out = os.dup(1)
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    if not line:
        return 1
    _thread.start_new_thread(_end_with_stdin, ())
    job = json.loads(line)["job"]
    nonce = int.from_bytes(os.urandom(answer.NONCE_BYTES), "big")
    mine = answer.Answer(job["cell"], job["launch"], nonce)
    journal.write(path, journal.Line("begun", device, *mine, os.getpid()))
    samples = answer.encode(mine, job["iterations"])
    details = {"device": device, **job["options"]}

    def send(event: str, **fields: object) -> None:
        data = (json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n").encode()
        while data:
            data = data[os.write(out, data) :]

    for stage in ("import", "load"):
        send("stage", stage=stage)
    send("ready", import_ns=1000, load_ns=1000, backend_version="0", provider="none",
         precision="f32", clock="perf_counter_ns", details=details)  # fmt: skip
    send("stage", stage="first")
    send("first", first_inference_ns=1000)
    if job["warmup"]:
        send("stage", stage="warmup")
        send("warmup", samples=_series([1] * job["warmup"]))
    send("stage", stage="time")
    time.sleep(pace_s)  # the subject
    journal.write(path, journal.Line("answered", device, *mine, os.getpid()))
    send("samples", samples=_series(samples), elapsed_ns=sum(samples) + 1)
    send("stage", stage="memory")
    send("memory", imported_rss_bytes=1 << 20, peak_rss_bytes=1 << 21, reset=True, details=details)
    send("done")
    return 0


def _series(values: "list[int]") -> str:
    return base64.b64encode(array("q", values).tobytes()).decode("ascii")


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        continue
    os._exit(1)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
