"""Has models tried in the runtimes that are installed here, by a process that may end any way."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from benchhub.backends import described
from benchhub.compress.trial.ended import how_ended, last_said
from benchhub.compress.trial.words import Trial, TrialAsked
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.ondevice.backends import Description, installed_version
from benchhub.outside.written import drafted, in_scratch

#: A model that has not answered by then is taken to hang.
_DEADLINE_S = 300.0
#: How long its end may take, once nothing is asked any more.
_PATIENCE_S = 5.0
_CHILD = "benchhub.compress.trial.child"


class Tryout:
    """A context with one process, begun when it is first needed, and again after it ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._rest = b""

    def __enter__(self) -> Tryout:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __call__(
        self,
        backend: str,
        made: tuple[Path, str],
        source: Variant | None,
        feeds: Sequence[Mapping[str, Array]],
        calls: int = 1,
    ) -> Trial:
        """Return how `made`, a file and its format, does in a backend beside its source.

        `feeds` are calls, of which the first are made; none: inputs are made up. Only a source that
        the backend reads is compared with.
        """
        with in_scratch():
            return self._tried(backend, made, source, feeds[:calls])

    def _tried(
        self,
        backend: str,
        made: tuple[Path, str],
        source: Variant | None,
        given: Sequence[Mapping[str, Array]],
    ) -> Trial:
        path, kind = made
        compared = source if source and source.format in described(backend).formats else None
        asked = TrialAsked(
            backend,
            str(path),
            kind,
            str(compared.path) if compared else "",
            compared.format if compared else "",
            self._written(given),
            tuple(given[0]) if given else (),
            _batch(source),
            max(1, len(given)),
        )
        trial, stage = self._ask(asked)
        if trial is None and stage == "source":
            trial, stage = self._ask(dataclasses.replace(asked, source="", source_format=""))
            return Trial(known=False) if trial is None else dataclasses.replace(trial, known=False)
        assert trial is not None
        return trial

    def load(self, backend: str, variant: Variant) -> Trial:
        """Return whether a backend opens a model file; it is not called."""
        path, kind = str(variant.path), variant.format
        with in_scratch():
            trial, _ = self._ask(TrialAsked(backend, path, kind, batch=_batch(variant), calls=0))
        assert trial is not None  # without a source the answer is of the model
        return trial

    def _written(self, feeds: Sequence[Mapping[str, Array]]) -> str:
        """Return the path of an archive of calls, each its inputs in the order of the first."""
        if not feeds:
            return ""
        arrays = [np.asarray(of[name], order="C") for of in feeds for name in feeds[0]]
        arrays = [one.astype(str) if one.dtype == object else one for one in arrays]
        told = [f"{array.dtype.str} {array.shape}" for array in arrays]
        digest = hashlib.sha256(json.dumps([*feeds[0], *told]).encode())
        for array in arrays:
            digest.update(array.tobytes())
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="benchhub-trial-")
        path = Path(self._folder.name) / f"{digest.hexdigest()}.npz"
        if not path.exists():
            with drafted(path) as draft:
                np.savez(draft, *arrays)  # by position: an input may have any name
        return str(path)

    def _ask(self, asked: TrialAsked) -> tuple[Trial | None, str]:
        """Return the answer, and what was tried last: None where the process ended before it."""
        process = self._running()
        assert process.stdin is not None
        stage = "source" if asked.source else "made"
        begun = os.fstat(self._errors.fileno()).st_size if self._errors else 0
        deadline = time.monotonic() + _DEADLINE_S
        try:
            process.stdin.write(json.dumps(dataclasses.asdict(asked)).encode() + b"\n")
            process.stdin.flush()
            for line in self._lines(process, deadline):
                told = json.loads(line)
                if "trial" in told:
                    return Trial(**told["trial"]), stage
                stage = told["stage"]
        except BrokenPipeError:
            pass
        cause = self._why_ended(process, asked.backend, time.monotonic() >= deadline, begun)
        # Where the source does not run with these inputs, the end says nothing of what was made.
        return (None if stage == "source" else Trial(cause, known=stage != "alone")), stage

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            self._rest = b""
        return self._process

    def _lines(self, process: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
        """Yield lines until the process ends or the deadline has passed."""
        assert process.stdout is not None
        while True:
            line, found, self._rest = self._rest.partition(b"\n")
            if found:
                yield line
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                return
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                return
            self._rest = line + more

    def _why_ended(
        self, process: subprocess.Popen[bytes], backend: str, late: bool, begun: int
    ) -> str:
        errors = self._errors
        self._errors = None  # read below, then closed
        self._end()
        said = ""
        if errors is not None:
            errors.seek(begun)
            said = last_said(errors.read())
            errors.close()
        if late:
            return f"{backend} did not answer within {_DEADLINE_S:.0f} s"
        how = how_ended(process.returncode)
        return f"{backend} ended its process {how}" + (f": {said}" if said else "")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def meant_for(names: Sequence[str], kind: str) -> tuple[Description, ...]:
    """Return those of the backends that read such files and whose runtime is installed here.

    A runtime for GPUs is not asked: this machine may have none, and the devices do.
    """
    found = []
    for name in names:
        one = described(name)
        if one.for_tests or one.gpu_vendor or kind not in one.formats:
            continue
        if one.distributions and installed_version(one) is not None:
            found.append(one)
    return tuple(found)


def versioned(backend: Description) -> str:
    """Return a backend with the version that is installed here: `onnxruntime 1.27.0`."""
    version = installed_version(backend) or ""
    return version if backend.names_distribution else f"{backend.name} {version}"


def _batch(source: Variant | None) -> int:
    """Return the batch that a model is fixed to, 1 if it is open."""
    sizes = (spec.shape[0] for spec in (source.inputs if source else ()) if spec.shape)
    return next((size for size in sizes if size), 1)
