"""What the release check holds a package against; that it passes is tox's environment `release`."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import release_check
from packaged import Failed, broken, gaps, of_wheel, rendered, same_files, shipped

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TARGET = {"packages": ["benchhub"], "force-include": {"suites": "benchhub/shipped/suites"}}


def test_the_wheel_has_packages_and_what_it_ships_in_their_places() -> None:
    files = ["benchhub/compress/build/cached.py", "suites/a/suite.toml", "tests/a.py", "tox.ini"]
    assert shipped(files, TARGET) == {
        "benchhub/compress/build/cached.py": "benchhub/compress/build/cached.py",
        "benchhub/shipped/suites/a/suite.toml": "suites/a/suite.toml",
    }


def test_a_module_that_is_not_in_a_wheel_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("benchhub/__init__.py", "old")
        archive.writestr("benchhub/scratch.py", "")
        archive.writestr("benchhub-1.dist-info/METADATA", "Name: benchhub")
    installed, about = of_wheel(tmp_path / "a.whl")
    assert about == {"METADATA": b"Name: benchhub"}
    wanted = {"benchhub/__init__.py": b"new", "benchhub/compress/build/cached.py": b""}
    with pytest.raises(Failed) as told:
        same_files(installed, wanted)
    assert str(told.value) == (
        "lacks benchhub/compress/build/cached.py; holds what git does not know:"
        " benchhub/scratch.py; has other bytes in benchhub/__init__.py"
    )
    same_files(installed, installed)


def test_metadata_is_complete_but_for_the_known_gaps() -> None:
    assert set(gaps(PYPROJECT["project"])) <= {"urls"}
    with pytest.raises(Failed, match="has no license, keywords"):
        gaps({**PYPROJECT["project"], "license": "", "keywords": []})


def test_what_an_index_cannot_follow_is_found() -> None:
    page = rendered(
        "# A b\n[here](#a-b) [there](https://example.org) [file](a/b.md) ![picture](b.svg)\n"
        '<img src="c.svg"> [nowhere](#c)'
    )
    assert broken(page) == ["a/b.md", "b.svg", "c.svg", "#user-content-c"]


def test_the_readme_reads_on_an_index() -> None:
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text("utf-8")
    for change in hook["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    assert broken(rendered(text)) == []


def test_a_step_that_fails_stops_those_that_need_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        raise Failed("no such file")

    steps = [("a", fails, False), ("b", lambda: "done", False), ("c", fails, True)]
    monkeypatch.setattr(release_check, "steps", lambda _: [*steps, ("d", lambda: "x", False)])
    assert release_check.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "failed  a: no such file",
        "ok      b: done",
        "failed  c: no such file",
        "release-check: failed: a, c",
    ]
