"""A PostgreSQL cluster in a folder of its own, listening on loopback and on a socket there."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil
import psycopg
from waiting import until

#: Debian keeps the server's programs beside one another by version, and off the path.
_DEBIAN = Path("/usr/lib/postgresql")
PASSWORD = "of-tests"
#: Who owns the databases of tests.
OWNER = "bench"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "lc_messages": "C",
    "log_statement": "ddl",
}
#: Over the socket everybody is let in, over loopback with the password.
_HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def programs() -> Path | None:
    """Return the folder of the newest server's programs; None: there is none here."""
    found = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda one: int(one.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def why_not() -> str | None:
    """Return why no cluster can be started here; None: one can."""
    if programs() is None:
        return "no PostgreSQL server is installed: run scripts/install-system-packages"
    if os.geteuid() == 0 and _other_user() is None:
        return "a PostgreSQL server does not run as root, and there is no user postgres or nobody"
    return None


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Cluster:
    """A running server; a context manager. `durable`: with the settings that it comes with."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="benchhub-pg-")))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    durable: bool = False
    #: Of the owner of databases, over loopback.
    password: str = PASSWORD

    def __enter__(self) -> Cluster:
        try:
            self.make()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.remove()

    def make(self) -> None:
        """Write the cluster's files into its folder."""
        user = self._user()
        if user is not None:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        words = [
            "initdb", "-D", str(self.data), "-U", "postgres", "--no-sync", "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-instructions",
        ]  # fmt: skip
        made = self._started(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = made.communicate(timeout=120)
        if made.returncode:
            raise RuntimeError(told.decode(errors="replace"))
        (self.data / "pg_hba.conf").write_text(_HBA)
        settings = ({} if self.durable else _SETTINGS) | {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = self._started(["postgres", "-D", str(self.data)], stderr=log)
        self.own()

    def own(self) -> None:
        """Wait until the server answers, and see to it that the owner of databases is there."""
        until(self._answers, "the PostgreSQL server answers")
        with self.connected("postgres") as connection:
            there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,))
            if there.fetchone() is None:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{self.password}'")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT as an orderly restart does, SIGKILL as a crash of the machine."""
        if self.process is not None:
            started = self._kill_started() if how is signal.SIGKILL else []
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None
            until(self._is_gone, "the PostgreSQL server's port is free")
            until(
                lambda: not any(map(_runs, started)), "the PostgreSQL server's processes are gone"
            )

    def _kill_started(self) -> list[psutil.Process]:
        """Kill what the server started, which would have a last word, and be at work meanwhile."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # it starts no more
        started = psutil.Process(self.process.pid).children(recursive=True)
        for one in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        return started

    def remove(self) -> None:
        """End the server, and delete its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """Where the server keeps its databases."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.folder / "log"

    def url(self, database: str, user: str = OWNER, *, password: str | None = None) -> str:
        """Return the URL of a database: over the socket, or with a password over loopback."""
        if password is not None:
            return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    @contextlib.contextmanager
    def connected(
        self, user: str = OWNER, database: str = "postgres"
    ) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Give a connection that commits each statement."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user=user, dbname=database, autocommit=True
        ) as connection:
            yield connection

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(self.log.read_text(errors="replace")[-2000:])
        try:
            with self.connected("postgres"):
                return True
        except psycopg.OperationalError:
            return False

    def _is_gone(self) -> bool:
        """Whether nobody listens any more: a new one refuses to start before."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return False
        except OSError:
            return True

    def _user(self) -> pwd.struct_passwd | None:
        return _other_user() if os.geteuid() == 0 else None

    def _started(self, words: list[str], **options: int | object) -> subprocess.Popen[bytes]:
        user, folder = self._user(), programs()
        assert folder is not None
        whose = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        started: subprocess.Popen[bytes] = subprocess.Popen(
            [folder / words[0], *words[1:]],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C is not for it
            **whose,
            **options,
        )  # type: ignore[call-overload]
        return started
