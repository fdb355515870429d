"""trtexec's --exportTimes: a JSON list of calls.

Source: sampleReporting.cpp of TensorRT's samples, exportJSONTrace; releases before 8 name copies
In and Out, later ones H2d and D2h. Times are of CUDA events: a latency is copying in, computing and
copying out, without the host's part of a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchhub.report.interchange.sessions.session import Session, damaged, in_ns

PROGRAM = "trtexec"
_TRACKS: Mapping[str, tuple[str, ...]] = {
    "device": ("computeMs",), "copy_in": ("h2dMs", "inMs"), "copy_out": ("d2hMs", "outMs"),
}  # fmt: skip


def recognizes(document: Any) -> bool:
    """Return whether parsed JSON is of this program."""
    return (
        isinstance(document, list)
        and bool(document)
        and isinstance(document[0], dict)
        and {"computeMs", "latencyMs"} <= document[0].keys()
    )


def sessions(name: str, document: Any) -> list[Session]:
    """Return the one session in a document that was recognized; ConfigError where it is damaged."""
    calls = document
    samples = _series(name, calls, ("latencyMs",))
    tracks = {track: _series(name, calls, keys) for track, keys in _TRACKS.items()}
    return [
        Session(
            program=PROGRAM, backend="tensorrt", provider="tensorrt", samples_ns=samples,
            tracks_ns=tracks,
            further={"clock": "CUDA events: copies and computing, without the host's part"},
        )
    ]  # fmt: skip


def _series(name: str, calls: Sequence[Any], keys: Sequence[str]) -> Any:
    found = np.empty(len(calls), dtype=np.int64)
    for index, call in enumerate(calls):
        values = [call[key] for key in keys if key in call] if isinstance(call, dict) else []
        if (
            len(values) != 1
            or isinstance(values[0], bool)
            or not isinstance(values[0], int | float)
        ):
            raise damaged(name, PROGRAM, f"call {index} has no time {' or '.join(keys)}")
        found[index] = in_ns(name, PROGRAM, f"{keys[0]} of call {index}", values[0])
    return found
