"""Backends that are registered or described wrongly: one line says whose, what and the fix."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from project import Project, make_project
from repository import ROOT

pytestmark = pytest.mark.usefixtures("processes")
GOOD = {
    "runtime": "'odd_rt.runtime'",
    "formats": "('onnx',)",
    "precisions": "('f32',)",
    "distributions": "('odd-rt',)",
}


def source(**changes: str | None) -> str:
    """Return a package that describes `odd`; fields that are None are left out."""
    fields = {"name": "'odd'", **GOOD, **changes}
    said = ", ".join(f"{key}={value}" for key, value in fields.items() if value is not None)
    names = "BackendOption, Description, LockFile"
    return f"from benchhub.ondevice.backends import {names}\nBACKEND = Description({said})\n"


def install(
    site: Path,
    text: str,
    name: str = "odd",
    distribution: str = "odd-rt",
    value: str | None = None,
) -> Path:
    """Write a distribution whose package registers a backend; return its folder."""
    package = distribution.replace("-", "_")
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").write_text(text)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    point = f"{name} = {value or f'{package}:BACKEND'}"
    (info / "entry_points.txt").write_text(f"[benchhub.backends]\n{point}\n")
    return site


def project_with(folder: Path, *sites: Path, backends: tuple[str, ...] = ("odd",)) -> Project:
    made = make_project(folder, backends)
    made.env["PYTHONPATH"] = os.pathsep.join(map(str, (*sites, ROOT)))
    return made


def refused(project: Project) -> str:
    """Return the line that refuses to plan a run of the project."""
    done = project.run("run", "tiny", "--device", "here", "--dry-run")
    assert done.code == 2, done.err
    return done.error.removeprefix("benchhub: ")


WHOSE = "backend odd of odd-rt 1.0: "
WRONG = {
    "raises": (
        "raise OSError('no such disc')",
        "importing odd_rt:BACKEND raised OSError: no such disc; update or uninstall odd-rt",
    ),
    "needs what is not there": (
        "import a_module_that_is_not_there",
        "importing odd_rt:BACKEND raised ModuleNotFoundError: No module named",
    ),
    "no BACKEND": ("", "importing odd_rt:BACKEND raised AttributeError: "),
    "something else": (
        "BACKEND = {'name': 'odd'}",
        "odd_rt:BACKEND is of type dict; make it a Description of benchhub.ondevice.backends",
    ),
    "unknown field": (
        source(colour="'red'"),
        "its description has a field colour, which this benchhub does not know; it knows name,",
    ),
    "field left out": (source(formats=None), "its description lacks formats; "),
    "unknown precision": (
        source(precisions="('f32', 'q4')"),
        "its description has precisions = 'q4'; there are f32, tf32, f16, bf16",
    ),
    "a text for a tuple": (
        source(formats="'onnx'"),
        "its description has formats = 'onnx'; make it a tuple",
    ),
    "another name": (
        source(name="'other'"),
        "its description has name = 'other'; name it 'odd', as its entry point does",
    ),
    "option of no kind": (
        source(options="{'mode': ('fast', 'slow')}"),
        "its description has options['mode'] = ('fast', 'slow'); write BackendOption(",
    ),
    "default of no choice": (
        source(options="{'mode': BackendOption('quick', ('fast', 'slow'))}"),
        "its description has options['mode'] = 'quick'; name the default among the choices",
    ),
    "option that needs no option": (
        source(options="{'mode': BackendOption(1, needs=('quick', True))}"),
        "its description has options['mode'].needs = ('quick', True); write (option, value) of",
    ),
    "precision that needs no option": (
        source(precision_needs="{'f32': ('mode', 'fast')}"),
        "its description has precision_needs['f32'] = ('mode', 'fast'); write (option, value)",
    ),
    "nothing that brings it": (
        source(distributions="()"),
        "its description has distributions = (); name what brings its runtime, or give `version`",
    ),
    "lock of no kind": (
        source(locks="('odd',)"),
        "its description has locks = ('odd',); write LockFile(name, package) for each",
    ),
    "lock without package": (
        source(runtime="'odd_rt'", locks="(LockFile('odd', 'numpy'),)"),
        "its description has runtime = 'odd_rt'; put it into the package that has the locks",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_line_names_distribution_field_and_fix(case: str, tmp_path: Path) -> None:
    text, said = WRONG[case]
    line = refused(project_with(tmp_path / "project", install(tmp_path / "site", text)))
    assert line.startswith(WHOSE + said), line


def test_an_entry_point_that_names_a_module_is_refused(tmp_path: Path) -> None:
    site = install(tmp_path / "site", source(), value="odd_rt")
    line = refused(project_with(tmp_path / "project", site))
    assert line == (
        f"{WHOSE}its entry point names the module odd_rt; name the description in it, as in"
        " odd_rt:BACKEND"
    )


def test_two_distributions_of_one_name_are_refused_by_name(tmp_path: Path) -> None:
    site = install(tmp_path / "site", source())
    install(site, source(), distribution="another-odd")
    line = refused(project_with(tmp_path / "project", site))
    names = {"odd-rt 1.0", "another-odd 1.0"}
    head, _, fix = line.partition("; ")
    assert fix == "uninstall all of them but one"
    assert set(head.removeprefix("backend odd is registered by ").split(" and by ")) == names


def test_the_same_distribution_twice_on_the_path_is_one(tmp_path: Path) -> None:
    sites = [install(tmp_path / name, source()) for name in ("first", "second")]
    made = project_with(tmp_path / "project", *sites)
    done = made.run("run", "tiny", "--device", "here", "--dry-run")
    assert done.code == 0, done.err


def test_nobody_takes_the_name_of_a_backend_of_benchhubs_own(tmp_path: Path) -> None:
    site = install(tmp_path / "site", source(), name="onnxruntime")
    line = refused(project_with(tmp_path / "project", site, backends=("onnxruntime",)))
    assert line.startswith("backend onnxruntime is benchhub's own, and odd-rt 1.0 registers one")
    assert "uninstall it" in line


def test_a_lock_that_is_not_in_the_package_is_named(tmp_path: Path) -> None:
    text = source(locks="(LockFile('odd', 'numpy'),)")
    site = install(tmp_path / "site", text)
    (site / "odd_rt" / "runtime.py").write_text("")
    info = site / "odd_rt-1.0.dist-info"
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py3-none-any\n")
    (info / "RECORD").write_text("odd_rt/__init__.py,,\n")
    made = project_with(tmp_path / "project", site)
    done = made.run("devices", "provision", "here", "--backend", "odd")
    assert done.code == 2, done.err
    assert "backend odd: its lock odd.txt is not in the package odd_rt" in done.error


@pytest.mark.parametrize(
    ("wheel", "said"),
    [
        ("Tag: cp311-cp311-linux_x86_64\n", "odd-rt is no pure Python wheel here"),
        ("Tag: py3-none-any\n", "odd-rt is installed editable here"),
    ],
)
def test_what_cannot_be_sent_to_a_device_is_refused(tmp_path: Path, wheel: str, said: str) -> None:
    site = install(tmp_path / "site", source(locks="(LockFile('odd', 'numpy'),)"))
    info = site / "odd_rt-1.0.dist-info"
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\n{wheel}")
    (info / "direct_url.json").write_text('{"url": "file:///odd", "dir_info": {"editable": true}}')
    made = project_with(tmp_path / "project", site)
    done = made.run("devices", "provision", "here", "--backend", "odd")
    assert done.code == 2, done.err
    assert said in done.error
    removed = made.run("devices", "provision", "here", "--backend", "odd", "--remove")
    assert (removed.code, removed.out) == (0, "here: nothing to remove\n"), removed.err


def test_a_backend_without_a_lock_says_how_else_it_comes(tmp_path: Path) -> None:
    made = project_with(tmp_path / "project", install(tmp_path / "site", source()))
    done = made.run("devices", "provision", "here", "--backend", "odd")
    assert (done.code, done.error) == (
        2,
        "benchhub: odd cannot be provisioned: no lock can bring it; install odd-rt with the"
        " device's own Python",
    )
    made.device("elsewhere", root=str(tmp_path / "device"), python=_with_path(tmp_path, ROOT))
    done = made.run("run", "tiny", "--device", "elsewhere")
    assert done.code == 3
    assert "odd is not installed on elsewhere; run `" in done.err
    assert "-m pip install odd-rt` on the device" in done.err


def test_what_is_broken_hinders_nobody_else(tmp_path: Path) -> None:
    site = install(tmp_path / "site", "raise OSError('no such disc')")
    made = project_with(tmp_path / "project", site, backends=("onnxruntime",))
    done = made.run("run", "tiny", "--device", "here", "--effort", "quick")
    assert done.code == 0, done.err
    checks = json.loads(made.run("devices", "doctor", "here", "--json").out)["here"]
    (odd,) = [check for check in checks if check["check"] == "backend odd"]
    assert (odd["level"], odd["fix"]) == ("warn", "update or uninstall odd-rt")
    assert "no such disc" in odd["found"]


def test_what_is_broken_on_the_device_is_skipped_with_the_reason(tmp_path: Path) -> None:
    here = install(tmp_path / "site", source())
    there = install(tmp_path / "there", "raise OSError('no such disc')")
    made = project_with(tmp_path / "project", here, backends=("onnxruntime", "odd"))
    made.device("elsewhere", root=str(tmp_path / "device"), python=_with_path(tmp_path, there))
    done = made.run("run", "tiny", "--json", "--device", "elsewhere", "--effort", "quick")
    assert done.code == 0, done.err
    assert {row["backend"] for row in done.json["rows"]} == {"onnxruntime"}
    (reason,) = {skip["reason"] for skip in done.json["skips"] if skip["backend"] == "odd"}
    assert f"odd: {WHOSE}importing odd_rt:BACKEND raised OSError: no such disc" in reason


def _with_path(folder: Path, site: Path) -> str:
    """Return an interpreter like this one with its own PYTHONPATH."""
    path = folder / "python-elsewhere"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)
