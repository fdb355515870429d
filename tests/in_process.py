"""Commands that only read a store, started within the test: no process for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from project import Finished
from typer.testing import CliRunner

from benchhub.cli import app
from benchhub.errors import BenchhubError


@dataclass(frozen=True)
class Reading:
    """A folder with a `benchhub.db`, and commands that read it, `columns` wide (None: a pipe)."""

    folder: Path
    store: str = ""
    columns: str | None = "100"

    @property
    def url(self) -> str:
        """The store."""
        return self.store or f"sqlite:///{self.folder / 'benchhub.db'}"

    def run(self, *arguments: str) -> Finished:
        """Run benchhub to its end, as `benchhub.cli.main` would."""
        return self.bare(*arguments, "--store", self.url)

    def bare(self, *words: str) -> Finished:
        """The same of a command that takes no --store."""
        done = CliRunner().invoke(app, list(words), env={"COLUMNS": self.columns})
        error = done.exception
        if isinstance(error, BenchhubError):
            return Finished(error.exit_code, done.stdout, f"{done.stderr}benchhub: {error}\n")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Finished(done.exit_code, done.stdout, done.stderr)
