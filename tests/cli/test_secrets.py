"""Secrets that are typed or lie in the environment get into no store, log, report or message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import Finished, make_project
from repository import ROOT

pytestmark = pytest.mark.usefixtures("processes")
SECRET, TOKEN, VALUE = "hunter2hunter2", "ghp_0123456789abcdefghijABCDEFGHIJ", "swordfish-17"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Finished]]:
    """A run in whose command, environment and device's failure secrets stand, and its outputs."""
    folder = tmp_path_factory.mktemp("secrets")
    project = make_project(folder, launches=1)
    index = f"https://ann:{SECRET}@index.lab/simple"
    project.env.update(
        {"PIP_INDEX_URL": index, "LAB_API_KEY": VALUE, "XDG_STATE_HOME": str(folder / "state")}
    )
    broken = folder / "broken" / "python3"
    broken.parent.mkdir()
    broken.write_text(
        f"#!/bin/sh\necho 'no index {index} for {VALUE}, --token={TOKEN}' >&2\nexit 7\n"
    )
    broken.chmod(0o755)
    project.device("sly", root=str(folder / "sly"), python=str(broken))
    here = ("--device", "here", "--device", "sly", "--effort", "quick", "--variant", "fp32")
    done = [project.run("run", "tiny", *here)]
    shadow = folder / "shadow"
    shadow.mkdir()
    (shadow / "pandas.py").write_text(f"raise ValueError('{index} {TOKEN} {VALUE}')\n")
    done.append(project.run("report", "latest", "--format", "markdown"))
    project.env["PYTHONPATH"] = f"{shadow}:{ROOT}"
    done.append(project.run("report", "latest", "--format", "csv"))
    project.env["PYTHONPATH"] = str(ROOT)
    for url in (f"postgresql://ann:{SECRET}@127.0.0.1:1/x", f"nodb://ann:{SECRET}@h/x"):
        done.append(project.run("runs", "list", "--store", url))
    done.append(project.run("gate", "latest", "--budget", f"password={SECRET}"))
    return folder, done


def test_the_run_is_there_and_failed_where_it_should(folder: tuple[Path, list[Finished]]) -> None:
    _, done = folder
    assert [one.code for one in done] == [3, 0, 70, 2, 2, 2], [one.err for one in done]
    assert "for ***" in done[0].err
    assert "https://ann:***@index.lab/simple" in done[0].err


def test_no_secret_is_anywhere(folder: tuple[Path, list[Finished]]) -> None:
    kept, done = folder
    for one in done:
        for secret in (SECRET, TOKEN, VALUE):
            assert secret not in one.out + one.err
    files = [path for path in kept.rglob("*") if path.is_file()]
    files = [path for path in files if path.parent.name not in ("broken", "shadow", "__pycache__")]
    kinds = {path.suffix for path in files}
    assert {".db", ".html", ".log"} <= kinds
    for path in files:
        for secret in (SECRET, TOKEN, VALUE):
            assert secret.encode() not in path.read_bytes(), path


def test_what_was_typed_is_kept_without_its_secrets(folder: tuple[Path, list[Finished]]) -> None:
    from benchhub.cli.run import command_line

    with pytest.MonkeyPatch.context() as patch:
        store = f"postgresql://ann:{SECRET}@db/x"
        words = ["benchhub", "run", "x", "--store", store, "--option", f"api_key={VALUE}"]
        patch.setattr("sys.argv", words)
        kept = command_line()
    assert kept == "benchhub run x --store 'postgresql://ann:***@db/x' --option 'api_key=***'"
    assert json.dumps(kept)
