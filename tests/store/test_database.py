from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from builders import make_answer_key, make_launch, make_plan, make_run, make_variant
from repository import ROOT
from waiting import PATIENCE_S

from benchhub.errors import StoreError
from benchhub.store import Store
from benchhub.store.schema import HEAD, metadata

#: What came with schema 0004.
PREDICTED_LAUNCHES = ("predictions", "postprocess", "own_scores")
PREDICTED_TRUTHS = (
    "also", "predict", "predictions", "sketch", "spreads", "readings", "own_scores",
)  # fmt: skip


def described(url: str) -> dict[str, str]:
    """Return every table and index of a database as SQLite has it, white space aside."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
        stamps = connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
        assert stamps == [(HEAD,)]
    engine.dispose()
    return {name: re.sub(r"\s*([(),])\s*|\s+", r"\1 ", sql or "") for name, sql in rows}


def test_made_at_once_or_by_all_migrations_it_is_the_same_schema(tmp_path):
    new, migrated = (f"sqlite:///{tmp_path}/{name}.db" for name in ("new", "migrated"))
    with contextlib.closing(sqlite3.connect(tmp_path / "migrated.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
                         " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))")  # fmt: skip
    for url in (new, migrated):
        Store.open(url).close()
    assert described(new) == described(migrated)


def test_opening_again_keeps_what_is_there(tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    with Store.open(url) as store:
        store.create_run(make_run(), make_plan(), None, [], ())
    with Store.open(url) as store:
        assert store.runs() == [make_run()]


def test_a_store_of_the_first_schema_opens_with_all_its_launches(tmp_path):
    url, file = f"sqlite:///{tmp_path}/results.db", tmp_path / "results.db"
    launch = make_launch()
    with Store.open(url) as store:
        store.create_run(make_run(), make_plan(), None, [make_variant()], ())
        store.add(launch)
    old = sqlite3.connect(file)
    for column in (
        "tracks", "energy_uj", "energy_elapsed_ns", "energy_source", "gpu_bytes", "gpu_source",
        *PREDICTED_LAUNCHES,
    ):  # fmt: skip
        old.execute(f"ALTER TABLE launches DROP COLUMN {column}")
    for column in PREDICTED_TRUTHS:
        old.execute(f"ALTER TABLE truths DROP COLUMN {column}")
    old.execute("ALTER TABLE launches DROP COLUMN kept_digest")
    old.execute("ALTER TABLE runs DROP COLUMN pruned_at")
    old.execute("DROP TABLE quarantine")
    old.execute("DROP TABLE selftests")
    old.execute("DROP TABLE claims")
    old.execute("DROP TABLE own_references")
    old.execute("DROP TABLE summaries")
    old.execute("DROP TABLE reservations")
    old.execute("UPDATE alembic_version SET version_num = '0001'")
    old.commit()
    old.close()
    with Store.open(url) as store:
        (found,) = store.launches(make_run().id)
        assert (found.samples_ns == launch.samples_ns).all()
        assert len(found.outputs) == len(launch.outputs)
        assert (found.tracks_ns, found.energy_uj, found.gpu_bytes) == ({}, None, None)
        assert store.finished(make_run().id) == {launch.cell.key: 1}
        store.add(make_launch(index=1, tracks_ns={"device": launch.samples_ns}))
        assert store.finished(make_run().id) == {launch.cell.key: 2}
        assert store.quarantine.all() == {}


def test_a_store_without_predictions_opens_and_its_launches_replay(tmp_path):
    """What an older version stored is the same launch still, by its digest."""
    url, launch, answer_key = f"sqlite:///{tmp_path}/results.db", make_launch(), make_answer_key(20)
    with Store.open(url) as store:
        store.create_run(make_run(), make_plan(), answer_key, [make_variant()], ())
        store.add(launch)
    old = sqlite3.connect(tmp_path / "results.db")
    for column in PREDICTED_LAUNCHES:
        old.execute(f"ALTER TABLE launches DROP COLUMN {column}")
    for column in PREDICTED_TRUTHS:
        old.execute(f"ALTER TABLE truths DROP COLUMN {column}")
    old.execute("ALTER TABLE launches DROP COLUMN kept_digest")
    old.execute("ALTER TABLE runs DROP COLUMN pruned_at")
    old.execute("DROP TABLE IF EXISTS claims")
    old.execute("DROP TABLE IF EXISTS own_references")
    old.execute("DROP TABLE summaries")
    old.execute("DROP TABLE reservations")
    old.execute("UPDATE alembic_version SET version_num = '0003'")
    old.commit()
    old.close()
    with Store.open(url) as store:
        (found,) = store.launches(make_run().id)
        assert (found.predictions, found.postprocess_ns.size) == (None, 0)
        back = store.answer_key(make_run().id)
        assert back is not None
        assert (back.also, back.predict, back.predictions) == ((), "", None)
        assert (back.sketch, back.spreads) == (None, ())
        assert (back.readings, back.own_scores, found.own_scores) == ({}, None, None)
        store.add(launch)
        assert store.finished(make_run().id) == {launch.cell.key: 1}


@pytest.mark.usefixtures("processes")
def test_processes_may_create_it_at_once(tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    code = f"from benchhub.store import Store; Store.open({url!r}).close()"
    several = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in several] == [0, 0, 0]


def refused(url, match, **options):
    with pytest.raises(StoreError, match=match) as caught:
        Store.open(url, **options)
    assert "\n" not in str(caught.value)


def test_a_newer_schema_says_upgrade(tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    Store.open(url).close()
    connection = sqlite3.connect(tmp_path / "results.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    refused(url, r"newer benchhub \(schema 9999.*pip install --upgrade benchhub")


def test_paths_that_cannot_hold_a_store(tmp_path):
    refused(f"sqlite:///{tmp_path}", "is a folder")
    refused(f"sqlite:///{tmp_path}/no/such/results.db", f"mkdir -p {tmp_path}/no/such")
    (tmp_path / "text.db").write_text("this is some text, and no database at all " * 50)
    refused(f"sqlite:///{tmp_path}/text.db", "is not a database")
    refused("sqlite://", "memory")
    refused("no url", r"is not a database URL .*: write sqlite:///no url$")
    refused("a:b@c", r"is not a database URL .*: write sqlite:///results.db, for instance")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for ending in ("-wal", "-shm", "-journal"):
        (tmp_path / f"of{ending}.db").touch()
        os.mkfifo(tmp_path / f"of{ending}.db{ending}")
        refused(f"sqlite:///{tmp_path}/of{ending}.db", rf"{ending}, beside .* is no file, .*remove")
    for name in ("pipe", "zero"):
        refused(f"sqlite:///{tmp_path}/{name}", "is a pipe, a socket or a device, not a file")
    refused("sqlite:////dev/null", "is a pipe, a socket or a device, not a file")
    refused("nosuch://host/db", "is not a database URL")


@pytest.mark.parametrize(
    "words",
    ["mode=ro", "nosuch=1", "timeout=abc", "check_same_thread=x", "detect_types=x", "uri=maybe"],
)
def test_settings_that_a_file_does_not_take_are_refused_and_it_is_not_made(tmp_path, words):
    refused(f"sqlite:///{tmp_path}/results.db?{words}", "is not a database URL")
    assert not list(tmp_path.iterdir())


def test_addresses_and_names_that_cannot_be(tmp_path):
    refused("postgresql+psycopg://[::1", "is not a database URL")
    refused("postgresql://h:abc/x", "is not a database URL")
    refused(f"sqlite:///{tmp_path}/\0", "cannot be a file: embedded null byte")
    refused(f"sqlite:///{tmp_path}/\ud800", "is not a database URL")
    refused(f"sqlite:///{tmp_path}/{'x' * 5000}", "cannot be a file: File name too long")
    (tmp_path / "file").touch()
    refused(f"sqlite:///{tmp_path}/file/results.db", "cannot be a file: Not a directory")


@pytest.mark.parametrize("then", ["removed", "replaced", "a folder"])
def test_a_file_that_goes_while_it_is_in_use_takes_no_more(tmp_path, then):
    path = tmp_path / "results.db"
    store = Store.open(f"sqlite:///{path}")
    store.create_run(make_run(), make_plan(), None, [], ())
    path.rename(tmp_path / "elsewhere.db")
    if then == "replaced":
        Store.open(f"sqlite:///{path}").close()
    elif then == "a folder":
        path.mkdir()
    with pytest.raises(
        StoreError, match=r"results\.db was removed or replaced while it was in use"
    ):
        store.create_run(make_run(id="other"), make_plan(), None, [], ())
    store.close()


def test_another_programs_database_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.close()
    refused(f"sqlite:///{tmp_path}/other.db", "another program's database .*photos")


def test_a_locked_database_says_so(tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    with Store.open(url, busy_timeout_s=0.05) as store:
        store.create_run(make_run(), make_plan(), None, [make_variant()], ())
        other = sqlite3.connect(tmp_path / "results.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"results\.db is locked by another program"):
            store.add(make_launch())
        assert store.runs() == [make_run()]  # a writer elsewhere does not stop reading
        other.execute("ROLLBACK")
        other.close()
        store.add(make_launch())
        assert store.finished(make_run().id) == {make_launch().cell.key: 1}


def test_a_database_locked_while_new_says_so(tmp_path):
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused(f"sqlite:///{tmp_path}/new.db", "is locked", busy_timeout_s=0.05)
    other.close()


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_one_that_another_makes_just_now_is_waited_for(tmp_path, how):
    """SQLite itself does not wait before its first change to a log that is written ahead."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    other.execute(f"BEGIN {how}")
    refused(f"sqlite:///{tmp_path}/new.db", "is locked", busy_timeout_s=0.05)
    with ThreadPoolExecutor(4) as several:
        opened = [
            several.submit(Store.open, f"sqlite:///{tmp_path}/new.db", 60.0) for _ in range(4)
        ]
        assert wait(opened, timeout=0.3).done == set()
        other.execute("ROLLBACK")
        for one in opened:
            with one.result(60) as store:
                assert store.runs() == []
    other.close()


@pytest.fixture
def open_folder():
    """A folder that other users get to, as those of tests are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.usefixtures("processes")
def test_a_read_only_database_is_read_and_says_so_where_it_would_be_written(open_folder, what):
    path = open_folder / "kept" / "results.db"
    path.parent.mkdir()
    with Store.open(f"sqlite:///{path}") as store:
        store.create_run(make_run(), make_plan(), None, [make_variant()], ())
        store.add(make_launch())
    for name in path.parent.iterdir():
        name.chmod(0o444 if what == "file" else 0o666)
    path.parent.chmod(0o777 if what == "file" else 0o555)
    code = (
        "import os, sys\n"
        "from benchhub.errors import StoreError\n"
        "from benchhub.store import Store\n"
        "import alembic.command, sqlalchemy.dialects.sqlite\n"
        f"os.chdir({str(path.parent)!r})\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"  # root may write anywhere
        "store = Store.open('sqlite:///results.db')\n"
        "(run,) = store.runs()\n"
        "print(len(list(store.launches(run.id))), sorted(os.listdir()))\n"
        "try:\n"
        "    store.set_status(run.id, 'done', None)\n"
        "except StoreError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env={**os.environ}
    )
    path.parent.chmod(0o777)
    assert done.returncode == 1, done.stderr
    assert done.stdout == "1 ['results.db']\n", done.stderr
    assert done.stderr.startswith("refused: results.db is read-only: make the file and its folder")


@pytest.mark.usefixtures("processes")
def test_a_read_only_database_with_launches_in_its_journal_is_not_read_without_them(open_folder):
    path = open_folder / "kept" / "results.db"
    path.parent.mkdir()
    with Store.open(f"sqlite:///{path}") as store:
        store.create_run(make_run(), make_plan(), None, [make_variant()], ())
        for name in ("results.db", "results.db-wal"):
            (path.parent / f"copy-{name}").write_bytes((path.parent / name).read_bytes())
    path.parent.chmod(0o555)
    code = (
        "import os\n"
        "from benchhub.store import Store\n"
        "import sqlalchemy.dialects.sqlite\n"
        f"os.chdir({str(path.parent)!r})\n"
        "os.getuid() or os.setuid(65534)\n"
        "Store.open('sqlite:///copy-results.db')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env={**os.environ}
    )
    path.parent.chmod(0o777)
    assert "its newest launches are in copy-results.db-wal beside it: cp " in done.stderr


def test_a_password_in_a_url_is_in_no_message(tmp_path):
    refused("postgresql://ann:hunter2@127.0.0.1:1/x", r"^(?!.*hunter2)")
    refused("nodatabase://ann:hunter2@h/x", r"^(?!.*hunter2).*nodatabase://ann:\*\*\*@h/x")
    refused("ann:hunter2@h", r"is not a database URL")


DAMAGED = {
    "a launch's details": ("launches", "details", "{", "record"),
    "a launch's samples": ("launches", "samples", b"\x00\x01", "record"),
    "a launch's samples are text": ("launches", "samples", "x", "record"),
    "a launch's tracks": ("launches", "tracks", '{"a": "%%%"}', "record"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_launch_is_a_failed_one(tmp_path, what):
    table, column, value, kind = DAMAGED[what]
    url = f"sqlite:///{tmp_path}/results.db"
    with Store.open(url) as store:
        store.create_run(make_run(), make_plan(), None, [make_variant()], ())
        store.add(make_launch())
    with contextlib.closing(sqlite3.connect(tmp_path / "results.db")) as database, database:
        database.execute(f"update {table} set {column} = ?", (value,))
    with Store.open(url) as store:
        (launch,) = store.launches(make_run().id)
        assert launch.status == "failed"
        assert launch.failure.kind == kind


@pytest.mark.parametrize("column", ["request", "provenance", "budgets", "skips"])
@pytest.mark.parametrize("value", ["{", "[[[1]]]", '"\\ud800"', b"\xff\xfe"], ids=range(4))
def test_a_damaged_run_is_one_line_and_others_are_found(tmp_path, column, value):
    url = f"sqlite:///{tmp_path}/results.db"
    with Store.open(url) as store:
        for name in ("bad", "good"):
            store.create_run(make_run(id=name), make_plan(), None, [make_variant()], ())
    with contextlib.closing(sqlite3.connect(tmp_path / "results.db")) as database, database:
        database.execute(f"update runs set {column} = ? where id = 'bad'", (value,))
    with Store.open(url) as store:
        with pytest.raises(StoreError, match=r"in the store") as caught:
            store.run("bad"), store.budgets("bad"), store.plan("bad")
        assert "\n" not in str(caught.value)
        assert store.resolve("good") == "good"
        assert store.plan("good") == make_plan()
        store.delete_run(store.resolve("bad"))
        assert store.runs() == [make_run(id="good")]


@pytest.mark.usefixtures("processes")
def test_what_the_libraries_of_the_store_log_is_not_for_the_terminal() -> None:
    code = (
        "import logging, benchhub.store.database\n"
        "for name in ('sqlalchemy.pool.impl.QueuePool', 'alembic.runtime.migration'):\n"
        "    logging.getLogger(name).error('Exception during reset or similar')\n"
        "logging.getLogger('of somebody else').error('this is')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stderr) == (0, "this is\n")
