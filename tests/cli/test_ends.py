"""However the command line ends: in its verdict, or in one line that is no verdict."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders import make_budget, make_cell
from project import Finished
from recorded_runs import launches_of, stored
from repository import ROOT

from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes")
FAIL = ("gate", "good", "--budget", "latency_p50_ms=7")
UNTOLD = ("gate", "good", "--budget", "latency_p50_ms=10")
CSV = ("report", "good", "--format", "csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run at 10 ms, under a name that ASCII has no letters for."""
    folder = tmp_path_factory.mktemp("ends")
    with Store.open(f"sqlite:///{folder / 'benchhub.db'}") as store:
        launches = launches_of(make_cell(variant="größer≤"), "good")
        stored(store, "good", launches, (make_budget("edge", latency_p50_ms=20.0),), suite="tiny")
    return folder


def start(
    folder: Path, *words: str, env: Mapping[str, str] | None = None, **more: object
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    environment |= {"XDG_STATE_HOME": str(folder / "state"), **(env or {})}
    environment.pop("BENCHHUB_STORE", None)
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    command = [sys.executable, "-m", "benchhub", *words]
    return subprocess.Popen(command, cwd=folder, env=environment, **given)  # type: ignore[call-overload,no-any-return]


def end(process: subprocess.Popen[bytes], encoding: str = "utf-8") -> Finished:
    out, err = process.communicate(timeout=120)
    return Finished(
        process.returncode, (out or b"").decode(encoding), (err or b"").decode(encoding)
    )


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raised",
    [
        "ValueError('bad \\x1b[31m build')", "SystemExit(1)", "RecursionError()", "EOFError()",
        "BrokenPipeError(32, 'Broken pipe')", "ConnectionResetError()", "GeneratorExit()",
    ],
    ids=lambda raised: raised.partition("(")[0],
)  # fmt: skip
def test_what_nobody_explained_is_a_fault_with_a_log(folder: Path, raised: str) -> None:
    """A library that is broken raises it where it is imported."""
    (folder / "broken").mkdir(exist_ok=True)
    (folder / "broken" / "pandas.py").write_text(f"raise {raised}\n")
    done = end(start(folder, *CSV, env={"PYTHONPATH": f"{folder / 'broken'}{os.pathsep}{ROOT}"}))
    assert (done.code, done.out) == (70, "")
    assert done.error.startswith("benchhub: a fault of benchhub's own (")
    assert "\x1b" not in done.err
    log = Path(done.error.rpartition("; its log: ")[2])
    assert "pandas.py" in log.read_text("utf-8")


def test_ctrl_c_anywhere_is_130(folder: Path) -> None:
    (folder / "stopped").mkdir(exist_ok=True)
    (folder / "stopped" / "pandas.py").write_text("raise KeyboardInterrupt\n")
    done = end(start(folder, *CSV, env={"PYTHONPATH": f"{folder / 'stopped'}{os.pathsep}{ROOT}"}))
    assert (done.code, done.out, done.err) == (130, "", "benchhub: stopped\n")


def test_an_installation_that_cannot_be_imported_is_a_fault(folder: Path) -> None:
    (folder / "typeless").mkdir(exist_ok=True)
    (folder / "typeless" / "typer.py").write_text("from nowhere import nothing\n")
    done = end(start(folder, env={"PYTHONPATH": f"{folder / 'typeless'}{os.pathsep}{ROOT}"}))
    assert done.code == 70
    assert "ModuleNotFoundError: No module named 'nowhere'" in done.error


@pytest.mark.parametrize(
    "words", [("nope",), ("gate",), ("gate", "good", "--budget", "x"), ("init", "\x1b[31m", "x")],
    ids=["verb", "argument", "budget", "escape"],
)  # fmt: skip
def test_what_was_mistyped_is_2(folder: Path, words: tuple[str, ...]) -> None:
    done = end(start(folder, *words))
    assert (done.code, done.out) == (2, "")
    assert "\x1b" not in done.err


def test_a_shell_that_completes_gets_no_verdict(folder: Path) -> None:
    assert end(start(folder, env={"_BENCHHUB_COMPLETE": "nonsense"})).code != 1


# --- output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "code"), [(FAIL, 1), (UNTOLD, 4), (CSV, 0)], ids=["1", "4", "0"])
@pytest.mark.parametrize("streams", ["stdout", "both"])
def test_a_reader_that_hangs_up_does_not_change_the_code(
    folder: Path, words: tuple[str, ...], code: int, streams: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        err = subprocess.PIPE if streams == "stdout" else writing
        done = end(start(folder, *words, stdout=writing, stderr=err))
    finally:
        os.close(writing)
    assert (done.code, done.err) == (code, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_a_terminal_does_not_have_are_written_in_those_it_has(
    folder: Path, encoding: str
) -> None:
    done = end(start(folder, *FAIL, env={"PYTHONIOENCODING": encoding}), encoding)
    assert done.code == 1, done.err
    assert {"ascii": "gro\\xdfer<=", "latin-1": "größer<="}[encoding] in done.out
    plain = {
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""
    }  # fmt: skip
    if encoding == "ascii":
        assert end(start(folder, *FAIL, env=plain), "ascii").code == 1
    as_json = end(start(folder, "gate", "good", "--json", env={"PYTHONIOENCODING": encoding}))
    assert json.loads(as_json.out)["verdicts"][0]["variant"] == "größer≤"


@pytest.mark.parametrize(("words", "code"), [(FAIL, 2), (UNTOLD, 2)], ids=["1", "4"])
def test_a_disk_that_takes_no_output_is_said(
    folder: Path, words: tuple[str, ...], code: int
) -> None:
    with open("/dev/full", "wb") as full:
        done = end(start(folder, *words, stdout=full))
    assert done.code == code
    assert "the output cannot be written: No space left on device" in done.error


def test_streams_that_are_closed(folder: Path) -> None:
    def close() -> None:
        os.close(1)
        os.close(2)

    process = start(folder, *FAIL, stdout=None, stderr=None, preexec_fn=close)
    assert process.wait(60) == 1
    assert Store.open(f"sqlite:///{folder / 'benchhub.db'}").runs()


# --- what a process may take ------------------------------------------------------------------


def limit(kind: int, soft: int, hard: int) -> object:
    return lambda: resource.setrlimit(kind, (soft, hard))


def test_few_open_files_are_raised_where_they_may_be_and_that_is_said(folder: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    done = end(start(folder, *FAIL, preexec_fn=limit(resource.RLIMIT_NOFILE, 16, hard)))
    assert done.code == 1
    assert "the limit of open files was 16: raised to 128" in done.error
    for most in (8, 12):
        done = end(start(folder, *FAIL, preexec_fn=limit(resource.RLIMIT_NOFILE, most, most)))
        lines = done.err.splitlines()
        assert (done.code, len(lines)) == (1, 1) if done.code == 1 else done.code in (2, 70), (
            done.err
        )
        assert "Traceback" not in done.err
        if done.code == 1:
            assert done.out.startswith("FAIL: ")


@pytest.mark.parametrize("kib", [60_000, 250_000, 400_000])
def test_little_memory_is_no_verdict(folder: Path, kib: int) -> None:
    done = end(start(folder, *FAIL, preexec_fn=limit(resource.RLIMIT_AS, kib << 10, kib << 10)))
    assert (done.code, done.out) == (2, "")
    assert f"only {kib:,} kB of addresses are allowed, and" in done.error


def test_a_low_soft_limit_of_memory_is_raised(folder: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    done = end(start(folder, *FAIL, preexec_fn=limit(resource.RLIMIT_AS, 100_000 << 10, hard)))
    assert done.code == 1
    assert done.error.endswith("the limit of kB of addresses was 100,000: raised to 2,097,152")


def test_a_library_that_exits_by_itself_is_no_verdict(folder: Path) -> None:
    (folder / "native").mkdir(exist_ok=True)
    (folder / "native" / "pandas.py").write_text("import ctypes\nctypes.CDLL(None).exit(1)\n")
    done = end(start(folder, *CSV, env={"PYTHONPATH": f"{folder / 'native'}{os.pathsep}{ROOT}"}))
    assert done.code == 70
