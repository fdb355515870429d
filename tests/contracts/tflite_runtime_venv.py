"""An environment of its own for tflite-runtime, which needs Python 3.11 or older and numpy 1."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from repository import ROOT

FOLDER = ROOT / ".tox" / ".cache" / "tflite-runtime-2.14.0"
PACKAGES = ("tflite-runtime==2.14.0", "numpy==1.26.4", "psutil>=7")


def tflite_runtime_python() -> Path:
    """Return the environment's interpreter, made once; an error if that cannot be done."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with (FOLDER.parent / f"{FOLDER.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may come at once
        if not FOLDER.exists():
            _make()
    return FOLDER / "bin" / "python"


def _make() -> None:
    draft = FOLDER.with_name(f".draft-{os.getpid()}")
    try:
        _run(_python_3_11(), "-m", "venv", str(draft))
        _run(str(draft / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES)
        os.rename(draft, FOLDER)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _python_3_11() -> str:
    if sys.version_info[:2] == (3, 11):
        return str(Path(sys.executable).resolve())
    found = shutil.which("python3.11")
    if found is None:
        raise RuntimeError("the test of tflite-runtime needs python3.11 on the PATH; install it")
    return found


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=280)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} failed: {done.stderr.strip()[-500:]}")
