"""What a child needs of the protocol: its job, and lines to answer with; `wire` has it all.

Apart, and a tuple: a frozen dataclass, and what `dataclasses` imports, cost a starting process
some eight milliseconds.
"""

import base64
import json
import os
import re
import sys
from array import array
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

#: Half of a character beyond the first 65,536, without the other half.
_HALVES = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)
#: Raw bytes of an array that one event carries at most; more come in several.
PIECE_BYTES = 1 << 20


class Form(NamedTuple):
    """How one input or output of the model differs from what the blobs hold and outputs bring.

    The model's axis i is axis `order[i]` there, where cases come first (empty: the same order).
    `whole`: the same for all cases. `fed_from` names the output that is fed back into an input,
    whose blob is then what it starts with. `left_out`: the output is not brought. Where `rows` is
    set the output has as many a case as are found, and is filled up with 0 to so many. An output
    that is `whole` and brought has no axis of cases and is of one case. `undeclared`: the file
    declares another shape of the output than it gives.
    """

    order: Sequence[int] = ()
    whole: bool = False
    fed_from: str = ""
    left_out: bool = False
    rows: int = 0
    undeclared: bool = False


class Job(NamedTuple):
    """One launch of one cell: everything the child needs to know.

    `model` is the sha256 of its blob, or what stands for `files`: [name, sha256] of each file of a
    model that is kept in several, first the one to be loaded.
    `inputs` maps the model's input names to the sha256 of a `.npy` blob whose first axis runs
    over cases; `forms` says of some of them, and of outputs, how they are otherwise (see `Form`).
    `outputs` are the names of those to bring, in that order (empty: all, as they come), of which
    the controller takes `most_output_bytes` (None: no limit of its own). A batch is
    `batch` consecutive cases, wrapping around. The timed section ends
    after `iterations` calls, or at the first call that ends later than `max_timed_s` after its
    start once `min_iterations` were made. `output_cases` leading cases are run once more after
    it, in batches of `batch`, and their outputs sent back (0: none; -1: all). `concurrency` calls
    are under way at once; with `rate_per_s`, calls start at that rate (`arrivals`: fixed or
    poisson, drawn from `seed`) and are timed from when they should have started. `python` is the
    interpreter of the backend's own environment.
    """

    cell: str
    launch: int
    backend: str
    scenario: str
    model: Optional[str]
    model_format: str
    inputs: Mapping[str, str]
    batch: int = 1
    threads: int = 1
    precision: str = "f32"
    warmup: int = 10
    iterations: int = 200
    min_iterations: int = 1
    max_timed_s: float = 10.0
    output_cases: int = 4
    deadline_s: float = 120.0
    options: Mapping[str, Any] = {}
    python: Optional[str] = None
    concurrency: int = 1
    rate_per_s: Optional[float] = None
    arrivals: str = "poisson"
    seed: int = 0
    files: Sequence[Sequence[str]] = ()
    forms: Mapping[str, Mapping[str, Any]] = {}
    outputs: Sequence[str] = ()
    most_output_bytes: Optional[int] = None


def model_path(root: str, identity: str, name: str) -> str:
    """Return where the file `name` of a model of several lies; ValueError if outside its folder."""
    parts = name.split("/")
    if not all(parts) or any(part in (".", "..") or "\0" in part for part in parts):
        raise ValueError("%.80r is no path within a model's folder" % (name,))
    return os.path.join(root, "models", identity, *parts)


def encode(message: Mapping[str, Any]) -> bytes:
    """Return `message` as one line of JSON, newline included; ValueError for what JSON has not."""
    text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    if "\\ud" in text:
        # Names of files may hold bytes that are no text; half a character is no JSON to others.
        text = _HALVES.sub("\\\\ufffd", text)
    return text.encode("ascii") + b"\n"


def decode(line: bytes) -> Dict[str, Any]:
    """Return the object on one line; ValueError if it is not a JSON object."""
    message = json.loads(line.decode("utf-8"))
    if not isinstance(message, dict):
        raise ValueError("expected a JSON object, got %s" % type(message).__name__)
    return message


def encode_job(job: Job) -> Dict[str, Any]:
    """Return `job` as plain JSON types."""
    return job._asdict()


def decode_job(raw: Mapping[str, Any]) -> Job:
    """Return the Job in `raw`; unknown keys are a ValueError, so versions cannot drift silently."""
    unknown = sorted(set(raw) - set(Job._fields))
    if unknown:
        raise ValueError("unknown job fields: %s" % ", ".join(unknown))
    return Job(**raw)


def form_of(job: Job, name: str) -> Form:
    """Return how the input or output `name` of the model is."""
    return Form(**job.forms.get(name, {}))


def encode_ints(values: "array[int]") -> List[str]:
    """Return int64 values as base64 of little-endian bytes, in pieces; one at least."""
    if sys.byteorder == "big":
        values = array("q", values)
        values.byteswap()
    return [encode_piece(piece) for piece in pieces(memoryview(values).cast("B"))]


def pieces(data: memoryview) -> List[memoryview]:
    """Return `data` in pieces that one event carries; one at least, though it be empty."""
    starts = range(0, max(1, len(data)), PIECE_BYTES)
    return [data[start : start + PIECE_BYTES] for start in starts]


def encode_piece(data: memoryview) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode("ascii")
