"""A peer's measurement in a process of its own: `python latency_peer.py PEER BACKEND ..`.

PEER is `bare` (a loop as a careful user would write it) or `loadgen`; what follows is the backend,
the model, the file of cases and the number of timed calls. Prints the median in nanoseconds.
Nothing of benchhub's measuring code is imported.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_WARMUP = 10


def prepared(backend: str, model: str, cases: str) -> Callable[[], Any]:
    """Return one inference of the first case with one thread in f32, by the runtime's own API."""
    image = np.ascontiguousarray(np.load(cases)[:1])
    return {"onnxruntime": _onnxruntime, "openvino": _openvino}[backend](model, image)


def _onnxruntime(model: str, image: Any) -> Callable[[], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: image}
    return lambda: session.run(None, feeds)


def _openvino(model: str, image: Any) -> Callable[[], Any]:
    import openvino

    core = openvino.Core()
    network = core.read_model(model)
    network.reshape(list(image.shape))
    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }
    request = core.compile_model(network, "CPU", config).create_infer_request()
    request.set_input_tensor(openvino.Tensor(image, shared_memory=True))
    return lambda: request.infer(share_outputs=True)


def bare(call: Callable[[], Any], calls: int) -> float:
    """Return the median of `calls` timed calls."""
    samples = []
    for _ in range(calls):
        before = time.perf_counter_ns()
        call()
        samples.append(time.perf_counter_ns() - before)
    return float(statistics.median(samples))


def main() -> None:
    """Measure as the command line says and print the median."""
    peer, backend, model, cases, calls = sys.argv[1:]
    call = prepared(backend, model, cases)
    for _ in range(_WARMUP):
        call()
    if peer == "loadgen":
        from benchmarks.load_generator import p50_ns

        print(p50_ns(call, int(calls)))
    else:
        print(bare(call, int(calls)))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
