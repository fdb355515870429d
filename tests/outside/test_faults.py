"""A fault is a line and a log; where no log can be written, the line has what matters."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from benchhub.errors import DeviceError, StoreError
from benchhub.outside.faults import of_device, told, used_up


def stumble(text: str = "boom \x1b[31m password=hunter2") -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def full_disk(files_up_to: Callable[[int], None]) -> None:
    """No file of this process can grow at all."""
    files_up_to(0)


def test_a_fault_is_one_line_that_names_a_log(state: Path) -> None:
    line = told(stumble())
    (log,) = (state / "benchhub").iterdir()
    said = r"ValueError: boom \x1b[31m password=***"
    assert line == f"a fault of benchhub's own ({said}); its log: {log}"
    text = log.read_text("utf-8")
    assert 'test_faults.py", line' in text
    assert said in text
    assert "hunter2" not in text
    assert text.isascii()
    assert "\x1b" not in text


def test_where_no_log_can_be_written_the_line_says_where(state: Path, full_disk: None) -> None:
    line = told(stumble())
    assert "no log could be written (File too large), so here: test_faults.py:" in line
    assert "stumble" in line
    assert list(state.rglob("*.*")) == []


def test_a_home_that_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    assert "no log could be written (Not a directory), so here: " in told(stumble())


@pytest.mark.parametrize(
    "kind",
    [TypeError, RecursionError, SystemExit, GeneratorExit, OverflowError],
    ids=lambda k: k.__name__,
)
def test_whatever_a_device_makes_us_stumble_over_is_its_failure(
    state: Path, kind: type[BaseException]
) -> None:
    with (
        pytest.raises(DeviceError, match=rf"^board: stopped by .*\({kind.__name__}"),
        of_device("board"),
    ):
        raise kind
    assert len(list((state / "benchhub").iterdir())) == 1


@pytest.mark.parametrize("kind", [StoreError, DeviceError, KeyboardInterrupt])
def test_what_is_explained_passes_through(state: Path, kind: type[BaseException]) -> None:
    with pytest.raises(kind, match=r"^as it is$"), of_device("board"):
        raise kind("as it is")
    assert not state.exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "no more files can be opened"),
        (OSError(errno.ENOSPC, "No space", "/a/b"), "/a/b: no space is left on the disk"),
        (MemoryError(), "out of memory"),
        (RuntimeError("can't start new thread"), "out of memory"),
        (ValueError("other"), None),
        (OSError(errno.ENOENT, "No such file"), None),
        (OSError(errno.ENOENT, "No such file", "/a/b"), None),
        (OSError(errno.EACCES, "Permission denied", "/a/b"), "/a/b: may not be read or written"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "/a\x1b"), r"/a\x1b: the name is too"),
        (OSError(errno.EROFS, "Read-only file system"), None),
        (OSError(errno.EACCES, "Permission denied", 7), None),
    ],
    ids=[
        "files",
        "disk",
        "memory",
        "threads",
        "other",
        "missing",
        "missing file",
        "right",
        "name",
        "unnamed",
        "number",
    ],
)
def test_what_of_the_machine_is_used_up_is_said(error: Exception, words: str | None) -> None:
    outer = ValueError("outer")
    outer.__cause__ = error
    for one in (error, outer):
        said = used_up(one)
        assert (said is None) if words is None else (said or "").startswith(words)


def test_a_memory_error_that_python_lost_counts_only_where_there_is_no_memory() -> None:
    lost = SystemError("error return without exception set")
    assert used_up(lost) is None  # there is plenty: it is somebody's fault
    kept = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + (1 << 20), kept[1]))
    try:
        said = used_up(lost), used_up(SystemError("bad argument to internal function"))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, kept)
    assert said[0] is not None
    assert said[0].startswith("out of memory")
    assert said[1] is None
