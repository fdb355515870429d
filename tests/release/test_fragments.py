"""The fragments in changelog.d are well-formed, and go together into a changelog that is right."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from repository import ROOT

FOLDER = ROOT / "changelog.d"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
KINDS = [kind["directory"] for kind in SETTINGS["type"]]
NAME = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")


def wrong(name: str, text: str) -> str:
    """Return what is wrong with a fragment; empty for nothing."""
    lines = text.splitlines()
    if not NAME.fullmatch(name):
        return f"{name}: not <slug>.<kind>.md with a kind of {', '.join(KINDS)}"
    if not text.strip() or not text.endswith("\n"):
        return f"{name}: empty, or without a last line end"
    if any(not line.strip() or line.startswith(("- ", "* ", "#")) for line in lines):
        return f"{name}: one paragraph is one change; the dash comes by itself"
    if any(len(line) > 120 for line in lines):
        return f"{name}: a line of more than 120 characters"
    return "" if text.rstrip().endswith(".") else f"{name}: ends without a full stop"


def test_fragments_are_well_formed() -> None:
    others = {"README.md", Path(SETTINGS["template"]).name}
    found = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert others <= found.keys()
    assert [told for name in found.keys() - others if (told := wrong(name, found[name]))] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json.new.md", "A kind that is none.\n"),
        ("Json Kinds.added.md", "A name that is no slug.\n"),
        ("json.added.md", "\n"),
        ("json.added.md", "- A dash.\n"),
        ("json.added.md", "One.\n\nTwo.\n"),
        ("json.added.md", "No full stop\n"),
    ],
    ids=["kind", "name", "empty", "dash", "two", "unfinished"],
)
def test_what_is_not_is_told(name: str, text: str) -> None:
    assert wrong(name, text).startswith(f"{name}: ")


def test_they_go_together_under_the_version_and_are_gone(processes: None, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(FOLDER, tmp_path / "changelog.d")
    was = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    for path in (tmp_path / "changelog.d").glob("*.*.md"):
        path.unlink()
    (tmp_path / "changelog.d/wheel.fixed.md").write_text("The wheel has\nall modules.\n")
    (tmp_path / "changelog.d/two.added.md").write_text("Two.\n")
    (tmp_path / "changelog.d/one.added.md").write_text("One.\n")
    for version in ("7.0.0", "7.1.0"):
        command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", version]
        subprocess.run([*command, "--date", "2030-01-02"], cwd=tmp_path, check=True)
        (tmp_path / "changelog.d/later.removed.md").write_text("Later.\n")
    before, marker, after = was.partition(SETTINGS["start_string"])
    assert marker
    assert (tmp_path / "CHANGELOG.md").read_text("utf-8") == (
        f"{before}{marker}\n"
        "## 7.1.0, 2030-01-02\n\n### Removed\n\n- Later.\n\n"
        "## 7.0.0, 2030-01-02\n\n### Added\n\n- One.\n- Two.\n\n"
        f"### Fixed\n\n- The wheel has\n  all modules.\n{after}"
    )
    left = {path.name for path in (tmp_path / "changelog.d").iterdir()}
    assert left == {"README.md", "template.md.jinja", "later.removed.md"}
