"""Compiles the stub libraries, and fetches TensorRT's real Python bindings to stand on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
#: Kept between runs: 1.3 MB each.
CACHE = HERE.parents[1] / ".tox" / ".cache" / "tensorrt-bindings"

BINDINGS = {
    10: "tensorrt-cu12-bindings==10.16.1.11",
    11: "tensorrt-cu13-bindings==11.4.0.106",
}
_LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")


def compiler() -> str | None:
    """Return a C compiler, None if there is none."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def compile_library(source: Path, target: Path) -> Path:
    """Compile one C file to a shared library."""
    command = [compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


def stub_tensorrt(major: int, folder: Path) -> Path:
    """Write the libraries that the bindings of `major` are linked to; return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _LIBRARIES:
        compile_library(HERE / "stub_tensorrt.c", folder / f"lib{name}.so.{major}")
    return folder


def bindings(major: int) -> Path:
    """Return a folder that holds the real bindings of `major` and nothing else; RuntimeError."""
    wanted = BINDINGS[major]
    folder = CACHE / f"{wanted}-{sys.implementation.cache_tag}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=CACHE))
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--quiet", "--target", str(draft), wanted], capture_output=True, text=True
    )
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise RuntimeError(f"pip install {wanted}: {lines[-1]}")
    # the distribution named tensorrt, which cannot be had without the libraries, is this file
    (draft / "tensorrt.py").write_text(
        "from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n", "utf-8"
    )
    try:
        os.rename(draft, folder)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)
    return folder
