"""The version of the method: what is computed by other code, or other libraries, is other."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import benchhub
from benchhub.model.quality import Metric

#: The code that figures come from: of these packages every line, as any may change a digit. What
#: takes part in `results.rows` and is not here is refused by a test.
COMPUTING = (
    "model",
    "ondevice/job.py",
    "ondevice/wire.py",
    "results",
    "stats",
    "tasks",
    "text.py",
    "errors.py",
)
#: The libraries that do arithmetic, and those without which a metric cannot be computed.
LIBRARIES = ("numpy", "scipy", "scikit-image", "pycocotools")


#: What a page is drawn with; its words and figures come from any line of ours.
DRAWING = (*LIBRARIES, "altair", "jinja2", "markupsafe", "vl-convert-python")
#: What of our own package is read: code, and what pages are filled in.
_SOURCES = frozenset({".py", ".j2", ".css", ".js"})


@cache
def method() -> str | None:
    """Return a digest of the code that computes summaries; None: it cannot be read.

    It is the version of the method: there is no number that somebody could forget to raise.
    """
    return _digest(COMPUTING, LIBRARIES)


@cache
def drawing() -> str | None:
    """Return a digest of all code that a page comes from; None: it cannot be read."""
    return _digest(("",), DRAWING)


def _digest(parts: Sequence[str], libraries: Sequence[str]) -> str | None:
    root = Path(benchhub.__file__).parent
    digest = hashlib.sha256(repr((benchhub.__version__, platform.python_version())).encode())
    for name in parts:
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        files = [file for file in files if file.suffix in _SOURCES]
        try:
            for file in files:
                digest.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
        except OSError:
            return None
        if not files:
            return None
    for library in libraries:
        digest.update(f"{library} {_version(library)}\n".encode())
    return digest.hexdigest()


def ours(metric: Metric) -> bool:
    """Return whether a metric is computed by code that `method` knows, not by another package's."""
    functions = (metric.weighted, metric.parts, metric.by_case, metric.chance)
    table = metric.table
    of_table = (table.of, table.weighted, table.parts, table.by_case) if table else ()
    return all(
        getattr(one, "__module__", "").startswith("benchhub.tasks.")
        for one in (*functions, *of_table)
        if one is not None
    )


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
