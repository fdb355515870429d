"""One model: benchhub's run of its suite, and the bare loop beside every cell of it."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchhub.model.arrays import Array
from benchhub.stats.interval import Estimate
from benchmarks.claim import paired
from benchmarks.wild import oracle, project
from benchmarks.wild.manifest import AS_IS, Model


#: Whoever measures on this machine is waited for: what is busy is no word on a model.
_WAIT = "1h"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the manifest: what benchhub says, what the bare loop says; None: neither could.

    `why` is benchhub's line where it did not measure. `ratio` is benchhub's p50 over the loop's,
    of launches that took turns; only of files as they are.
    """

    model: str
    backend: str
    variant: str
    measured: bool
    why: str = ""
    p50_ms: float | None = None
    quality: float | None = None
    oracle_quality: float | None = None
    oracle_why: str = ""
    model_bytes: int | None = None
    macs: int | None = None
    flags: tuple[str, ...] = ()
    ratio: Estimate | None = None
    bare_p50_ms: float | None = None

    @property
    def wrong(self) -> bool:
        """Whether a number differs from the oracle's by more than float32's rounding."""
        if self.quality is None or self.oracle_quality is None:
            return False
        room = 1e-4 * max(abs(self.oracle_quality), 1e-3)
        return abs(self.quality - self.oracle_quality) > room


def measure(model: Model, path: Path, folder: Path, rounds: int) -> list[Cell]:
    """Return every cell of a model, measured or with the reason why not."""
    work = folder / "work"
    try:
        untouched = oracle.bare(model, path, model.backends[0], work)
    except oracle.Failed as error:
        return [
            Cell(model.name, backend, variant, False, f"the bare loop fails, too: {error}")
            for backend in model.backends
            for variant in model.variants
        ]
    truth = oracle.labels(model, untouched)
    project.write(model, path, truth, folder)
    told = _benchhub(folder, "run", model.name, "--json", "--wait-at-most", _WAIT)
    cells = [
        _cell(model, backend, variant, told, truth, work, folder)
        for backend in model.backends
        for variant in model.variants
    ]
    return list(_paced(cells, model, path, folder, rounds))


def _benchhub(folder: Path, *words: str) -> Mapping[str, Any]:
    """Return what a command prints as JSON; `refused` holds its line where it prints none."""
    store = f"sqlite:///{folder / 'wild.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "benchhub", *words, "--store", store],
        cwd=folder,
        env={**os.environ, "BENCHHUB_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.strip().splitlines() or ["it printed nothing"]
        return {"refused": said[-1], "rows": [], "skips": []}
    return found


def _cell(
    model: Model,
    backend: str,
    variant: str,
    told: Mapping[str, Any],
    truth: Array,
    work: Path,
    folder: Path,
) -> Cell:
    rows = {
        row["scenario"]: row
        for row in told["rows"]
        if (row["backend"], row["variant"]) == (backend, variant)
    }
    latency, quality = rows.get("latency"), rows.get("quality")
    if latency is None or quality is None or "failed" in (latency["status"], quality["status"]):
        return Cell(
            model.name,
            backend,
            variant,
            measured=False,
            why=_why(backend, variant, told, rows).replace(f"{folder}/", ""),
        )
    file = _file(folder, model, variant, latency["model_sha256"])
    expected, trouble = None, ""
    try:
        expected = oracle.quality(model, oracle.bare(model, file, backend, work), truth)
    except oracle.Failed as error:
        trouble = str(error)
    return Cell(
        model.name,
        backend,
        variant,
        measured=quality["quality"] is not None,
        why=quality["reason"] or "" if quality["quality"] is None else "",
        p50_ms=latency["p50_ms"],
        quality=quality["quality"],
        oracle_quality=expected,
        oracle_why=trouble,
        model_bytes=latency["model_bytes"],
        macs=latency["macs"],
        flags=tuple(sorted({flag["name"] for row in rows.values() for flag in row["flags"]})),
    )


def _why(
    backend: str, variant: str, told: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> str:
    reasons = [told.get("refused", "")]
    reasons += [row["reason"] or "" for row in rows.values() if row["status"] == "failed"]
    reasons += [
        skip["reason"]
        for skip in told["skips"]
        if (skip["backend"], skip["variant"]) == (backend, variant)
    ]
    return next((reason for reason in reasons if reason), "no row and no skip")


def _file(folder: Path, model: Model, variant: str, sha256: str) -> Path:
    """Return the file that was measured: the published one, or a recipe's in the cache."""
    if variant == AS_IS:
        return folder / "suites" / model.name / Path(model.file).name
    for facts in (folder / "cache" / "variants").glob("*/variant.json"):
        known = json.loads(facts.read_text("utf-8"))
        if known.get("sha256") == sha256:
            return facts.parent / str(known["file"])
    raise FileNotFoundError(f"{model.name}, {variant}: no file of hash {sha256[:12]} in the cache")


def _paced(
    cells: list[Cell], model: Model, path: Path, folder: Path, rounds: int
) -> Iterator[Cell]:
    """Yield the cells, those of files as they are with the ratio of launches that took turns."""
    ours: dict[str, list[float]] = defaultdict(list)
    theirs: dict[str, list[float]] = defaultdict(list)
    asked = [cell.backend for cell in cells if cell.variant == AS_IS and cell.measured]
    for _ in range(rounds if asked else 0):
        told = _benchhub(folder, "run", f"{model.name}-pace", "--json")
        for row in told["rows"]:
            if row["backend"] in asked and row["p50_ms"]:
                loop = oracle.bare(model, path, row["backend"], folder / "work", outputs=False)
                ours[row["backend"]].append(row["p50_ms"] * 1e6)
                theirs[row["backend"]].append(loop.p50_ns)
    for cell in cells:
        if cell.variant == AS_IS and ours[cell.backend]:
            ratio = paired(ours[cell.backend], theirs[cell.backend])
            bare_ms = statistics.median(theirs[cell.backend]) / 1e6
            cell = dataclasses.replace(cell, ratio=ratio, bare_p50_ms=bare_ms)
        yield cell
