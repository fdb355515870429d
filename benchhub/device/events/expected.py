"""What a launch may bring at most, by the model that it runs and the cases that it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchhub.device.events.bounds import (
    MOST_OUTPUTS,
    MOST_UNTOLD_BYTES,
    UNTOLD_BLOCKS,
    UNTOLD_CASE_BYTES,
    UNTOLD_OUTPUT_BYTES,
)
from benchhub.ondevice.wire import Job

#: The types of numbers that outputs come in.
_TYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "bfloat16", "float32", "float64"}
)
#: What runtimes make of a type: halves are widened where arrays have none, and accelerators without
#: 64-bit numbers answer in half as many.
_ALSO_AS = {
    "float16": ("float32",), "bfloat16": ("float32",), "float64": ("float32",),
    "int64": ("int32",), "uint64": ("uint32",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedOutput:
    """An output: the shape of a case, the bytes of one at most; None: open, or not known.

    `left_out`: no cases of it are brought. `dtype`: as the model declares it, by its numpy name;
    empty: not known.
    """

    case_shape: tuple[int | None, ...] | None
    most_bytes: int | None
    left_out: bool = False
    dtype: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The types of numbers in which it may come; empty: in any."""
        return (self.dtype, *_ALSO_AS.get(self.dtype, ())) if self.dtype in _TYPES else ()


@dataclass(frozen=True, slots=True)
class Expected:
    """How many cases there are, and the outputs of the model in their order; None: not known."""

    cases: int | None = None
    outputs: tuple[ExpectedOutput, ...] | None = None

    def wanted(self, job: Job) -> int | None:
        """Return how many cases of each output `job` asks for; None: all there are."""
        if job.output_cases < 0:
            return self.cases
        return job.output_cases if self.cases is None else min(job.output_cases, self.cases)

    def most_bytes(self, job: Job) -> int:
        """Return how many bytes the outputs may come to."""
        if not job.output_cases:
            return 0
        cases = self.wanted(job)
        each = [one.most_bytes for one in self.outputs or () if not one.left_out]
        if cases is None or self.outputs is None or None in each:
            most = min(UNTOLD_CASE_BYTES * (cases or 0), MOST_UNTOLD_BYTES)
            return max(UNTOLD_OUTPUT_BYTES, most)
        return cases * sum(size for size in each if size is not None)

    def most_blocks(self, job: Job) -> int:
        """Return in how many batches outputs may come, times the outputs."""
        cases = self.wanted(job)
        if cases is None:
            return UNTOLD_BLOCKS if job.output_cases else 0
        outputs = MOST_OUTPUTS if self.outputs is None else len(self.outputs)
        return math.ceil(cases / max(1, job.batch)) * outputs


#: Of launches of which nobody says what they bring.
UNTOLD = Expected()
