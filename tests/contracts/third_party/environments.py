"""Interpreters for the tests of third parties: one with a wheel beside benchhub, and Python 3.8."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from lab.plugin import give_up
from repository import ROOT

from scripts.pythons import interpreter

PROJECT = Path(__file__).parent / "plain"


def beside_benchhub(folder: Path, project: Path) -> str:
    """Return the Python of a fresh environment that has the project's own wheel, and benchhub."""
    source, wheels, environment = folder / "source", folder / "wheels", folder / "environment"
    shutil.copytree(project, source)  # a build may leave things behind
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    built = _run(*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(source))
    if built.returncode and "Could not find a version" in built.stdout + built.stderr:
        _give_up(f"no build backend can be fetched for {project.name}: {built.stderr[-300:]}")
    assert built.returncode == 0, built.stderr
    made = _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    assert made.returncode == 0, made.stderr
    python = environment / "bin" / "python"
    (wheel,) = wheels.glob("*.whl")
    install = ["--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    done = _run(*pip, *install)
    assert done.returncode == 0, done.stderr
    # What benchhub needs, as it is installed for the tests; to install it anew takes minutes.
    (packages,) = (environment / "lib").glob("python*/site-packages")
    (packages / "benchhub.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    return str(python)


def python_3_8() -> str:
    """Return a Python 3.8, nothing installed in it; without one skip, and fail in CI."""
    if (named := os.environ.get("BENCHHUB_PYTHON38")) is not None:
        return named
    if (found := interpreter("3.8")) is not None:
        return str(found)
    return _give_up("there is no python3.8 here; install one, or name it in BENCHHUB_PYTHON38")


def _give_up(reason: str) -> str:
    give_up(reason, in_ci=bool(os.environ.get("CI")))


def _run(*argv: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(argv, capture_output=True, text=True, timeout=280, env=environ)
