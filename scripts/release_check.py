#!/usr/bin/env python3
"""Checks what would be published: `make release-check`, tox's environment `release`.

Each step prints a line: `ok`, `failed` with the reason, or `gap`, which is known and allowed. The
exit code is 1 where one failed. What was built is left in dist/.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from materials import complete, of_wheel_itself
from packaged import GAPS, Failed, broken, gaps, of_sdist, of_wheel, rendered, same_files, shipped
from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: What the quickstart measures with, beside onnxruntime.
EXTRAS = "openvino,tflite"


def command(*arguments: object, **options: Any) -> str:
    """Run a command and return what it printed; a failure is told by its last lines."""
    done = subprocess.run(
        [str(one) for one in arguments], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options,
    )  # fmt: skip
    if done.returncode:
        last = " | ".join(done.stdout.strip().splitlines()[-12:])
        raise Failed(f"{' '.join(map(str, arguments[:4]))} ended with {done.returncode}: {last}")
    return str(done.stdout)


def tracked() -> list[str]:
    """Return the files of the tree that git knows."""
    return command("git", "-C", ROOT, "ls-files", "-z").strip("\0").split("\0")


def built(pattern: str) -> Path:
    """Return the one file of a kind that was built."""
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        raise Failed(f"{len(found)} files {pattern} in {DIST}")
    return found[0]


def told() -> Metadata:
    """Return the wheel's metadata, as pip and an index read it."""
    try:
        return Metadata.from_email(of_wheel(built("*.whl"))[1]["METADATA"])
    except ExceptionGroup as wrong:
        raise Failed("; ".join(map(str, wrong.exceptions))) from wrong


def build() -> str:
    """Build an sdist, and a wheel from the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    command(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    return ", ".join(
        f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in sorted(DIST.iterdir())
    )


def tree() -> str:
    """Say what is not committed: it is checked, and nobody could build it again."""
    if changed := command("git", "-C", ROOT, "status", "--porcelain").splitlines():
        tell("gap", "tree", f"{len(changed)} files are not as committed")
    return command("git", "-C", ROOT, "log", "-1", "--format=commit %h").strip()


def sdist() -> str:
    """Hold the sdist against the tree."""
    wanted = {name: (ROOT / name).read_bytes() for name in tracked() if (ROOT / name).exists()}
    same_files(of_sdist(built("*.tar.gz")), wanted)
    return f"{len(wanted)} files, those of the tree"


def wheel() -> str:
    """Hold the wheel against the tree: every module, and the suites and profiles it ships."""
    files = shipped(tracked(), PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"])
    wanted = {
        name: (ROOT / path).read_bytes() for name, path in files.items() if (ROOT / path).exists()
    }
    same_files(of_wheel(built("*.whl"))[0], wanted)
    return f"{len(wanted)} files, those of the tree"


def metadata() -> str:
    """See that what an index shows and pip obeys is complete, valid and of this version."""
    project, found = PYPROJECT["project"], told()
    for key in gaps(project):
        tell("gap", "metadata", GAPS[key])
    source = (ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]).read_text("utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"', source, re.MULTILINE)
    if str(found.version) != version:
        raise Failed(f"version {found.version}, and benchhub.__version__ is {version}")
    points = of_wheel(built("*.whl"))[1]["entry_points.txt"].decode()
    for name, target in {**project["scripts"], **project["entry-points"]["pytest11"]}.items():
        if f"{name} = {target}\n" not in points:
            raise Failed(f"the entry point {name} = {target} is not in the wheel")
    command(sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir())
    return f"benchhub {version}, {len(found.classifiers or [])} classifiers"


def readme() -> str:
    """Render the long description, and see that it refers to nothing an index does not have."""
    page = rendered(told().description or "")
    if wrong := broken(page):
        raise Failed(
            f"an index cannot follow {', '.join(wrong[:5])} ({len(wrong)} in all);"
            " see tool.hatch.metadata.hooks.fancy-pypi-readme in pyproject.toml"
        )
    if here := broken(rendered((ROOT / "README.md").read_text("utf-8"))):
        tell("gap", "README", f"{len(here)} links and pictures of README.md are words there")
    return f"renders, {len(page)} bytes"


def changes() -> str:
    """See that the fragments of changelog.d can be put together."""
    options = ("build", "--draft", "--version", "0")
    text = command(sys.executable, "-m", "towncrier", *options, cwd=ROOT)
    return f"{len(re.findall(r'^- ', text, re.MULTILINE))} wait in changelog.d"


def apart(folder: Path) -> dict[str, Any]:
    """Return folder and environment of a process that finds nothing of this tree."""
    ours = ("PYTHON", "BENCHHUB_", "TOX_", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {"cwd": folder, "env": {**env, "BENCHHUB_CACHE": str(folder / "cache")}}


def install(folder: Path) -> str:
    """Install the wheel in an empty environment; benchhub must be found there and nowhere else."""
    venv.create(folder / "venv", with_pip=True)
    python, options = folder / "venv/bin/python", apart(folder)
    quick = ("-q", "--no-compile")  # the quickstart compiles what it imports
    command(python, "-m", "pip", "install", *quick, f"{built('*.whl')}[{EXTRAS}]", **options)
    command(python, "-m", "pip", "check", **options)
    where = command(python, "-c", "import benchhub; print(benchhub.__file__)", **options).strip()
    if not Path(where).is_relative_to(folder):
        raise Failed(f"benchhub is imported from {where}")
    return command(folder / "venv/bin/benchhub", "--version", **options).strip()


def bill(folder: Path) -> str:
    """Write what the wheel was installed with, as CycloneDX, beside it; see that it is whole."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    package, python = built("*.whl"), folder / "venv/bin/python"
    made = command(
        sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible",
        "--sv", "1.6", "--pyproject", ROOT / "pyproject.toml", python, cwd=folder,
    )  # fmt: skip
    found = told()
    sbom = of_wheel_itself(json.loads(made), package, str(found.version))
    complete(sbom, [str(one) for one in found.requires_dist or ()], (str(folder), str(ROOT)))
    text = json.dumps(sbom, indent=1) + "\n"
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        raise Failed(f"is no CycloneDX: {wrong}")
    path = DIST / f"benchhub-{found.version}.cdx.json"
    path.write_text(text, "utf-8")
    return f"{path.name}, {len(sbom['components'])} packages"


def quickstart(folder: Path) -> str:
    """Run the quickstart where the wheel is installed, and render its report."""
    benchhub, options = folder / "venv/bin/benchhub", apart(folder)
    # Tests measure on this machine meanwhile: with a home of its own neither waits for the other.
    options["env"]["HOME"] = str(folder / "home")
    command(benchhub, "run", "quickstart", "--effort", "quick", **options)
    for form in ("html", "json"):
        command(benchhub, "report", "latest", "--format", form, "-o", f"report.{form}", **options)
    rows = json.loads((folder / "report.json").read_text("utf-8"))["rows"]
    failed = [f"{row['backend']} {row['variant']}" for row in rows if row["status"] != "finished"]
    if failed or not rows:
        raise Failed(f"of {len(rows)} cells failed {', '.join(failed) or 'none'}")
    return f"{len(rows)} cells, a report of {(folder / 'report.html').stat().st_size} bytes"


def tell(word: str, step: str, text: str) -> None:
    """Print a line."""
    print(f"{word:<8}{step}: {text}", flush=True)


def steps(folder: Path) -> Iterator[tuple[str, Callable[[], str], bool]]:
    """Yield each step: its name, what it does, and whether all after it need it."""
    yield "tree", tree, True
    yield "build", build, True
    yield "sdist", sdist, False
    yield "wheel", wheel, False
    yield "metadata", metadata, False
    yield "README", readme, False
    yield "changes", changes, False
    yield "install", lambda: install(folder), True
    yield "bill of materials", lambda: bill(folder), False
    yield "quickstart", lambda: quickstart(folder), False


def main() -> int:
    """Do the steps in their order."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, do, needed in steps(Path(folder)):
            try:
                tell("ok", name, do())
            except Failed as reason:
                tell("failed", name, str(reason))
                failed.append(name)
                if needed:
                    break
    print(f"release-check: failed: {', '.join(failed)}" if failed else "release-check: passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
