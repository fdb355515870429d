"""Names of tests are the same in every process that collects them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from repository import ROOT, TESTS

from harness.ids import of_argument, wrong_with
from harness.inner import Inner

#: Hides what not every machine has, as if it were not installed.
HIDING = """
import sys

class Hidden:
    names = {"torch", "torch_pruning", "openvino", "nncf", "ai_edge_quantizer", "pyarrow"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""
#: Lists ids in the order they were collected in, and the modules that were skipped.
LISTING = """
skipped = []


def pytest_collectreport(report):
    if report.skipped:
        skipped.append(report.nodeid)


def pytest_collection_finish(session):
    with open("{path}", "w", encoding="utf-8") as file:
        file.writelines(item.nodeid + "\\n" for item in session.items)
    with open("{path}-skipped", "w", encoding="utf-8") as file:
        file.writelines(name + "\\n" for name in skipped)
"""


def collect(root: Path, folder: Path, *more: str, **env: str) -> subprocess.Popen[bytes]:
    """Collect the tests of `root` in a fresh interpreter; their ids go to `folder`/ids."""
    (folder / "listing.py").write_text(LISTING.format(path=folder / "ids"))
    path = os.pathsep.join([str(folder), str(root)])
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    words = ["-p", "listing", "-p", "no:cacheprovider", "--collect-only", "-q", *more, "tests"]
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *words],
            cwd=root, env={**kept, "PYTHONPATH": path, **env}, stdout=said, stderr=said,
        )  # fmt: skip


def by_file(folder: Path) -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in (folder / "ids").read_text().splitlines():
        found[line.partition("::")[0]].append(line)
    return found


@pytest.mark.timeout(1200)  # half a minute, on a machine that does nothing else
def test_two_processes_collect_the_same_wherever_and_whenever(
    tmp_path: Path, processes: None
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    first = collect(ROOT, here, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8")
    copy = tmp_path / "a checkout elsewhere"
    out = shutil.ignore_patterns(".git", ".*_cache", ".tox", ".venv", "__pycache__", "dist")
    shutil.copytree(ROOT, copy, ignore=out)
    (there / "sitecustomize.py").write_text(HIDING)
    time.sleep(1.1)  # the subject: times in names are of whole seconds
    second = collect(  # asserts are as they stand: in a copy each module's would be rewritten anew
        copy, there, "--assert=plain", PYTHONHASHSEED="2", TZ="Asia/Kathmandu", LC_ALL="C",
        HOME=str(there), TMPDIR=str(there), USER="somebody", LOGNAME="somebody", COLUMNS="40",
    )  # fmt: skip
    os.sched_setaffinity(second.pid, {min(os.sched_getaffinity(0))})
    for process, folder in ((first, here), (second, there)):
        assert process.wait(1000) == 0, (folder / "said").read_text()[-3000:]
    all_of, some_of = by_file(here), by_file(there)
    assert len(all_of) > 150
    assert {name: all_of[name] for name in some_of} == some_of
    assert list(some_of) == [name for name in all_of if name in some_of]
    # What is left out is left out as a whole, for want of a package; and nothing is overlooked.
    assert set(all_of) - set(some_of) == set((there / "ids-skipped").read_text().splitlines())
    assert set(all_of) == {str(path.relative_to(ROOT)) for path in TESTS.rglob("test_*.py")}


def test_two_workers_agree_on_names_made_of_bytes_that_hold_the_time(inner: Inner) -> None:
    inner.write(
        """
        import gzip, os, time, pytest

        @pytest.mark.parametrize("data", [gzip.compress(str(time.time_ns()).encode()), b"a"])
        @pytest.mark.parametrize("text", ["\\x1b[1m", "a" * 500, "Z\\u00fcrich", ""])
        @pytest.mark.parametrize("make", [lambda: 1, object()])
        def test_it(data, text, make):
            assert data
        """
    )
    code, said = inner.run("-n", "2", "-v")
    assert code == 0, said
    assert "16 passed" in said
    assert "test_it[make-[1m-data0]" in said


def test_a_name_that_could_differ_is_refused(inner: Inner) -> None:
    inner.write(
        """
        import pytest

        @pytest.mark.parametrize("thing", [object(), object()], ids=repr)
        def test_it(thing):
            pass
        """
    )
    code, said = inner.run()
    assert code == 4, said
    assert "names of tests must hold still" in said
    assert said.count("address") == 2


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("test_it[8.5-FAIL]", None),
        ("test_it[" + "a" * 160 + "]", None),
        ("test_it[" + "a" * 161 + "]", "161 characters"),
        ("test_it[\\x1f\\x8b]", "bytes"),
        ("test_it[<object object at 0x7f0011223344>]", "address"),
        ("test_it[<lambda>0]", "place"),
        ("test_it[Zürich]", "ASCII"),
    ],
    ids=range(7),
)
def test_what_is_wrong_with_a_name(name: str, wrong: str | None) -> None:
    assert (wrong_with(name) is None) if wrong is None else wrong in (wrong_with(name) or "")


def test_texts_are_cut_short_and_what_they_cannot_show_is_left_out() -> None:
    assert of_argument("two\nlines \x1b[31m", "text") == "two lines [31m"
    assert of_argument("日本語", "text") == "text"
    assert of_argument("", "text") == ""
    assert of_argument("a" * 49, "text") == "a" * 46 + ".."
    assert of_argument(b"abc", "data") == "data"
    assert of_argument(lambda: None, "make") == "make"
    assert of_argument(3.5, "x") is None
