#!/usr/bin/env python3
"""Runs the tests of pure code and the quickstart on each Python that pyproject.toml names.

`make pythons`; with versions as arguments, on those. Interpreters are looked for on
the path and in pyenv. Those that are not here are not tested: the last lines name them, loudly. The
exit code is 1 where one failed, or where none was here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def claimed(root: Path = ROOT) -> list[str]:
    """Return the versions that pyproject.toml says benchhub runs on."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    found = (re.fullmatch(r".* :: Python :: (3\.\d+)", line) for line in project["classifiers"])
    return [match[1] for match in found if match]


def candidates(version: str) -> Iterator[Path]:
    """Yield where an interpreter of a version may be, those on the path first."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(folder, f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))


def interpreter(version: str) -> Path | None:
    """Return an interpreter of a version that starts and can make environments, None otherwise."""
    ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for path in filter(Path.is_file, candidates(version)):
        done = subprocess.run([path, "-c", ask], text=True, capture_output=True)
        found, _, executable = done.stdout.strip().partition(" ")
        if found == version:  # pyenv's shims are there for what is not chosen, too
            return Path(executable)
    return None


def main(versions: list[str]) -> int:
    """Test each, and say which were."""
    told: dict[str, str] = {}
    for version in versions or claimed():
        if (path := interpreter(version)) is None:
            told[version] = "NOT TESTED: no interpreter is here"
            continue
        name = f"py{version.replace('.', '')}"
        tox = [sys.executable, "-m", "tox", "run", "-e", name, "--discover", str(path)]
        told[version] = "failed" if subprocess.run(tox, cwd=ROOT).returncode else "passed"
    for version, word in told.items():
        print(f"Python {version}: {word}", flush=True)
    return "failed" in told.values() or "passed" not in told.values()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
