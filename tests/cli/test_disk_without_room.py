"""A disk that is full, for every command that writes: a line, nothing lost, and on after room."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab.command import tool, why_not
from lab.plugin import give_up
from project import Finished, Project, make_project, write_model
from waiting import until

pytestmark = pytest.mark.usefixtures("processes")

#: Mounts a disk that no process outside sees, and stays.
MOUNT = 'mount -t tmpfs -o size="$2" small "$1" && echo mounted && exec sleep 900'
ENTER = 'cd "$1" && shift && exec "$@"'
SIZE = 6 << 20


@dataclass(frozen=True)
class SmallDisk:
    """A disk of a few MB, mounted at `at` where commands run by this see it."""

    at: Path
    keeper: subprocess.Popen[str]

    @property
    def inside(self) -> Path:
        """Its root, as this process gets to it."""
        return Path(f"/proc/{self.keeper.pid}/root{self.at}")

    def fill(self, leave: int = 0) -> None:
        """Write until no more than so many bytes are left."""
        with (self.inside / "ballast").open("ab", buffering=0) as ballast:
            while (free := self.free()) > leave:
                ballast.write(bytes(min(free - leave, 1 << 20)))

    def free(self) -> int:
        told = os.statvfs(self.inside)
        return told.f_bavail * told.f_frsize

    def empty(self) -> None:
        (self.inside / "ballast").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """What lies on it beside the ballast."""
        return sorted(one.name for one in self.inside.iterdir() if one.name != "ballast")

    def start(
        self, project: Project, *words: str, cwd: Path | None = None, **env: str
    ) -> subprocess.Popen[str]:
        enter = [tool("nsenter"), f"--target={self.keeper.pid}", "--mount", "sh", "-c", ENTER, "sh"]
        argv = [*enter, str(cwd or project.folder), project.python, "-m", "benchhub", *words]
        return subprocess.Popen(
            argv, env={**project.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def run(self, project: Project, *words: str, cwd: Path | None = None, **env: str) -> Finished:
        process = self.start(project, *words, cwd=cwd, **env)
        out, err = process.communicate(timeout=120)
        return Finished(process.returncode, out, err)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if (reason := why_not()) is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    at = tmp_path / "small"
    at.mkdir()
    keeper = subprocess.Popen(
        [tool("unshare"), "--mount", "sh", "-c", MOUNT, "sh", str(at), str(SIZE)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == "mounted\n"
    yield SmallDisk(at, keeper)
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a run, its variants made and its reference computed."""
    project = make_project(tmp_path_factory.mktemp("full"), launches=1)
    project.env["XDG_STATE_HOME"] = str(project.folder / "state")
    project.add('[[budgets]]\nname = "edge"\nlatency_p50_ms = 1000\n')
    done = project.run("run", "tiny", "--device", "here")
    assert done.code == 0, done.err
    return project


@pytest.mark.parametrize(
    "words",
    [
        ("report", "latest", "--format", "markdown"),
        ("export", "latest", "--format", "pytest-benchmark"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_written_is_what_was_there_before(
    disk: SmallDisk, project: Project, words: tuple[str, ...]
) -> None:
    path = disk.at / "kept"
    (disk.inside / "kept").write_text("as it was")
    disk.fill()
    done = disk.run(project, *words, "-o", str(path))
    assert done.code == 2, done.err
    assert done.error.startswith(f"benchhub: {path}: cannot be written: No space left on device")
    assert disk.names() == ["kept"]
    assert (disk.inside / "kept").read_text() == "as it was"
    disk.empty()
    assert disk.run(project, *words, "-o", str(path)).code in (0, 4)
    assert (disk.inside / "kept").read_text() != "as it was"


def test_the_table_of_a_run_is_printed_though_its_report_finds_no_room(
    disk: SmallDisk, project: Project
) -> None:
    store = f"sqlite:///{project.folder}/benchhub.db"
    suite, device = str(project.suite), str(project.folder / "device_profiles" / "here.toml")
    disk.fill()
    words = ("run", suite, "--device", device, "--variant", "fp32", "--scenario", "latency")
    done = disk.run(project, *words, "--store", store, cwd=disk.at)
    assert done.code == 2, done.err
    assert "fp32" in done.out
    assert "cannot be written: No space left on device; the run is saved: `benchhub report " in (
        done.error
    )
    assert disk.names() == []
    run = done.error.partition("`benchhub report ")[2].split()[0]
    again = disk.run(project, "report", run, "--store", store, "-o", str(project.folder / "a.html"))
    assert again.code == 0, again.err


def test_a_run_whose_database_finds_no_room_goes_on_once_there_is_some(
    disk: SmallDisk, project: Project, tmp_path: Path
) -> None:
    store = f"sqlite:///{disk.at}/kept.db"
    text = project.suite.read_text()
    suite = project.folder / "suites" / "long" / "suite.toml"
    suite.parent.mkdir()
    suite.write_text(text.replace("launches = 1", "launches = 12"))
    for name in ("model.onnx", "cases.npz"):
        (suite.parent / name).write_bytes((project.suite.parent / name).read_bytes())
    words = ("run", "long", "--device", "here", "--variant", "fp32", "--scenario", "latency")
    process = disk.start(project, *words, "--store", store)

    def asked(what: str) -> tuple[int, ...]:
        """Ask a copy: SQLite would look for the file itself where this process sees no disk."""
        for name in ("kept.db", "kept.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(disk.inside / name, tmp_path / name)
        with closing(sqlite3.connect(tmp_path / "kept.db")) as connection:
            try:
                found: tuple[int, ...] = connection.execute(f"SELECT {what}").fetchone()
            except sqlite3.DatabaseError:  # it is only being made, or was copied in its middle
                return (0,)
        return found

    until(lambda: asked("count(*) FROM launches")[0] >= 1, "a launch in the database", 90)
    disk.fill()
    out, err = process.communicate(timeout=120)
    done = Finished(process.returncode, out, err)
    assert done.code == 2, done.err
    assert f"{disk.at}/kept.db cannot grow, the disk is full: free some space" in done.error
    assert "finished launches are saved, go on with `benchhub run --resume " in done.error
    disk.empty()
    run = done.error.rpartition(" --resume ")[2].strip("`")
    (before,) = asked("count(*) FROM launches")
    again = disk.run(project, "run", "--resume", run, "--store", store, "--json")
    assert again.code == 0, again.err
    (row,) = [row for row in again.json["rows"] if row["variant"] == "fp32"]
    assert row["launches"] == 12
    both = "count(*), count(DISTINCT cell || ' ' || launch) FROM launches"
    total, places = asked(f"{both} WHERE status = 'finished'")
    assert total == places > before


def test_a_run_is_not_begun_where_its_database_has_no_room(
    disk: SmallDisk, project: Project
) -> None:
    store = f"sqlite:///{disk.at}/kept.db"
    assert disk.run(project, "runs", "list", "--store", store).code == 0
    disk.fill(leave=200_000)
    done = disk.run(project, "run", "tiny", "--device", "here", "--store", store)
    assert done.code == 2, done.err
    assert f"there is no room for the results database {disk.at}/kept.db" in done.error
    assert disk.run(project, "runs", "list", "--json", "--store", store).json == []


def test_a_variant_is_written_whole_or_not_at_all(disk: SmallDisk, project: Project) -> None:
    disk.fill()
    words = ("compress", "tiny", "--variant", "int8")
    done = disk.run(project, *words, "-o", str(disk.at))
    assert done.code == 2, done.err
    assert "cannot be written: No space left on device; name another folder with -o" in done.error
    assert disk.names() == []
    full = disk.run(project, *words, "-o", str(project.folder), BENCHHUB_CACHE=str(disk.at))
    assert full.code == 2, full.err
    assert "BENCHHUB_CACHE" in full.error
    disk.empty()
    assert disk.run(project, *words, "-o", str(disk.at)).code == 0
    assert {"int8.json", "int8.onnx"} <= set(disk.names())


def test_a_cache_without_room(disk: SmallDisk, project: Project) -> None:
    model = write_model(project.folder / "lone.onnx")
    disk.fill()
    done = disk.run(
        project, "bench", str(model), "--device", "here", "--effort", "quick",
        BENCHHUB_CACHE=str(disk.at),
    )  # fmt: skip
    assert done.code == 2, done.err
    assert "free some room, or set BENCHHUB_CACHE to another folder" in done.error
    run = disk.run(project, "run", "tiny", "--device", "here", BENCHHUB_CACHE=str(disk.at))
    assert run.code == 2, run.err
    assert "there is no room for variants and inputs in" in run.error


def test_temporary_files_without_room(disk: SmallDisk, project: Project) -> None:
    disk.fill(leave=8192)
    done = disk.run(project, "run", "tiny", "--device", "here", TMPDIR=str(disk.at))
    assert done.code == 2, done.err
    assert f"{disk.at}: temporary files cannot be written: No space left on device" in done.error
    assert "set TMPDIR to another folder" in done.error
    assert not [name for name in disk.names() if name.startswith("benchhub")]
