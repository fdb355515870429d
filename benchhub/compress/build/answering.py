"""The process that computes what a model answers: cases in as files, outputs out as files.

A runtime may end it, print what it likes, and take the memory that it needs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.model.arrays import Array
from benchhub.ondevice.backends import LoadOptions, find
from benchhub.ondevice.cause import cause
from benchhub.ondevice.job import Form
from benchhub.ondevice.measure.batches import Batches, opened, shape_text
from benchhub.ondevice.measure.outputs import (
    ShapeError,
    Wanted,
    check,
    chosen,
    is_declared,
    wanted,
)
from benchhub.ondevice.measure.repeated import turned_order
from benchhub.ondevice.measure.stream import places
from benchhub.outside.written import FULL

#: What came of it, in the folder; beside it the outputs, `output-0.npy` and so on.
TOLD = "told.json"
#: What was found of the outputs' shapes, there too.
SHAPES = "shapes.json"


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """A model, the files of its cases, and how they are to be answered.

    The first `again` cases are answered once more, into `again-0.npy` and so on, and, where they
    are not answered one by one, in the order of `turned`, into `turned-0.npy` and so on. `forms`
    and `outputs` are those of a launch's Job.
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
    forms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Sequence[str] = ()


def answer(job: AnswerJob) -> None:
    """Write the outputs for all cases into the folder, cases on axis 0; what a runtime raises.

    Beside them, for each output, whether it is `whole` and `undeclared` (see `Form`).

    ShapeError: outputs that are not what the model declares, or none that runs over cases.
    """
    told = {name: Form(**form) for name, form in job.forms.items()}
    batches = Batches(opened(job.inputs), job.batch, told)
    options = LoadOptions(
        format=job.format,
        batch=job.batch,
        threads=job.threads,
        scenario="quality",
        options=job.options,
        shapes=batches.shapes,
    )
    session = find(job.backend).load(job.model, options)
    batches.fit(session.inputs)
    which = wanted(session.outputs, job.outputs, told)
    for name, cases in (("output", batches.cases or 0), ("again", job.again)):
        which = _write(session, batches, which, cases, Path(job.folder) / name)
    if rows := () if batches.state else turned(batches.cases or 0, job.batch, job.again):
        arrays = {
            name: array if name in told and told[name].whole else array[list(rows)]
            for name, array in opened(job.inputs).items()
        }
        other = Batches(arrays, job.batch, told)
        other.fit(session.inputs)
        _write(session, other, which, len(rows), Path(job.folder) / "turned")
    shapes = [[form.whole and not form.left_out, form.undeclared] for form in which.forms]
    Path(job.folder, SHAPES).write_text(json.dumps(shapes), "utf-8")


def turned(cases: int, batch: int, few: int) -> tuple[int, ...]:
    """Return the cases of the first batches, so that each batch has its own in another order.

    `few` of them or more, but of whole batches only: cases are together as they are in order.
    Empty: a batch has one case, or `few` is 0.
    """
    if batch < 2 or not cases or not few:
        return ()
    batches = max(1, min(-(-few // batch), cases // batch))
    order = turned_order(batch)
    return tuple((index * batch + place) % cases for index in range(batches) for place in order)


def _write(session: Any, batches: Batches, which: Wanted, cases: int, stem: Path) -> Wanted:
    """Write the outputs of so many cases; one that does not run over them, as none of it.

    Return how the outputs are in fact: see `_in_fact`.
    """
    sizes = batches.sizes(cases)
    held: dict[int, Array] = {}
    without: set[int] = set()
    fed: dict[str, Array] = {}
    for index, count in enumerate(sizes):
        arrays = session.run({**batches.feeds(index), **fed})
        fed = {name: arrays[at] for name, at in places(session.outputs, batches.state)}
        if index == 0:
            which = _in_fact(which, arrays, batches.batch)
        found = chosen(session.outputs, arrays, which)
        without |= {
            position
            for position, array in enumerate(found)
            if array.ndim == 0 or len(array) != batches.batch
        }
        if len(without) == len(found):
            check(which, found, batches.batch)
        start = index * batches.batch
        for position, (array, tensor) in enumerate(zip(found, which.tensors, strict=True)):
            if position in without:
                continue
            if index == 0:
                file = Path(f"{stem}-{position}.npy")
                held[position] = np.lib.format.open_memmap(
                    file, mode="w+", dtype=array.dtype, shape=(sum(sizes), *array.shape[1:])
                )
                _take_room(file)
            into = held[position]
            if array.shape[1:] != into.shape[1:]:
                raise ShapeError(
                    f"output {tensor.name} is {shape_text(into.shape[1:])} a case in the first"
                    f" batch, and {shape_text(array.shape[1:])} in batch {index + 1}; where it"
                    f" has as many rows as are found, say rows.{tensor.name} in the suite, the most"
                    " there can be"
                )
            into[start : start + count] = array[:count]
    for position in without if sizes else ():
        np.save(f"{stem}-{position}.npy", np.empty(0, np.float32))
    return which


def _take_room(file: Path) -> None:
    """Have the disk set aside what a file may hold: full later, it would end the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    except OSError as error:  # some file systems know no such thing
        if error.errno in FULL:
            raise


def _in_fact(which: Wanted, arrays: Sequence[Any], batch: int) -> Wanted:
    """Return how the outputs are by what a first call gave.

    What a file declares of an output's shape is a remark that runtimes pass over, and exporters
    get wrong. A call of one case whose outputs have no axis of cases has answered that case.
    """
    given = [arrays[place] for place in which.places]
    forms = [
        form
        if form.left_out or form.order or is_declared(tensor, array)
        else form._replace(undeclared=True)
        for tensor, form, array in zip(which.tensors, which.forms, given, strict=True)
    ]
    brought = [(form, array) for form, array in zip(forms, given, strict=True) if not form.left_out]
    of_one = batch == 1 and all(
        not (form.order or form.rows) and np.shape(array)[:1] != (1,) for form, array in brought
    )
    if of_one:
        forms = [form if form.left_out else form._replace(whole=True) for form in forms]
    return which._replace(forms=forms)


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
    except OSError as error:
        full = error.errno in FULL
        said = error.strerror if full else ""
        told = {"kind": "space" if full else "raised", "cause": said or _cause(error)}
    except Exception as error:  # noqa: BLE001 - the top frame: whatever a runtime raises is the answer
        told = {"kind": "raised", "cause": _cause(error)}
    if told.get("kind") == "space":  # or there is none for what is told, either
        for path in Path(job.folder).glob("*-*.npy"):
            path.unlink()
    Path(job.folder, TOLD).write_text(json.dumps(told), "utf-8")
    # A runtime that crashes while it unloads must not undo what was answered.
    sys.stderr.flush()
    os._exit(0)


def _cause(error: Exception) -> str:
    return cause(str(error)) or type(error).__name__


if __name__ == "__main__":
    main()
