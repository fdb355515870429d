"""The process that computes what a model answers: cases in as files, outputs out as files.

A runtime may end it, print what it likes, and take the memory that it needs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.model.arrays import Array
from benchhub.ondevice.backends import LoadOptions, find
from benchhub.ondevice.measure.batches import Batches, shape_text
from benchhub.ondevice.measure.outputs import ShapeError, check

#: What came of it, in the folder; beside it the outputs, `output-0.npy` and so on.
TOLD = "told.json"


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """A model, the files of its cases, and how they are to be answered.

    The first `again` cases are answered once more, into `again-0.npy` and so on.
    """

    backend: str
    model: str
    format: str
    inputs: Mapping[str, str]
    folder: str
    batch: int = 1
    threads: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    again: int = 0


def answer(job: AnswerJob) -> None:
    """Write the outputs for all cases into the folder, cases on axis 0; what a runtime raises.

    ShapeError: outputs that are not what the model declares, or do not run over cases.
    """
    options = LoadOptions(
        format=job.format,
        batch=job.batch,
        threads=job.threads,
        scenario="quality",
        options=job.options,
    )
    session = find(job.backend).load(job.model, options)
    batches = Batches(job.inputs, session.inputs, job.batch)
    for name, cases in (("output", batches.cases or 0), ("again", job.again)):
        _write(session, batches, cases, Path(job.folder), name)


def _write(session: Any, batches: Batches, cases: int, folder: Path, name: str) -> None:
    sizes = batches.sizes(cases)
    held: list[Array] = []
    for index, count in enumerate(sizes):
        arrays = session.run(batches.feeds(index))
        check(session.outputs, arrays, batches.batch)
        held = held or [
            np.lib.format.open_memmap(
                folder / f"{name}-{position}.npy",
                mode="w+",
                dtype=array.dtype,
                shape=(sum(sizes), *array.shape[1:]),
            )
            for position, array in enumerate(arrays)
        ]
        start = index * batches.batch
        for into, array, tensor in zip(held, arrays, session.outputs, strict=True):
            if array.shape[1:] != into.shape[1:]:
                raise ShapeError(
                    f"output {tensor.name} is {shape_text(into.shape[1:])} a case in the first"
                    f" batch, and {shape_text(array.shape[1:])} in batch {index + 1}"
                )
            into[start : start + count] = array[:count]


def main() -> None:
    """Answer the job on standard input."""
    job = AnswerJob(**json.load(sys.stdin))
    told: dict[str, str] = {}
    try:
        answer(job)
    except ImportError as error:
        told = {"kind": "missing", "cause": _cause(error)}
    except ShapeError as error:
        told = {"kind": "shape", "cause": _cause(error)}
    except Exception as error:  # noqa: BLE001 - the top frame: whatever a runtime raises is the answer
        told = {"kind": "raised", "cause": _cause(error)}
    Path(job.folder, TOLD).write_text(json.dumps(told), "utf-8")
    # A runtime that crashes while it unloads must not undo what was answered.
    sys.stderr.flush()
    os._exit(0)


def _cause(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    main()
