"""Which files of the repository are pages of the site, where they lie in it, and what is copied."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
#: Pages beside docs/, and their names in the site; README.md is where it begins.
AT_THE_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
}
BESIDE = ("reports/*/README.md", "reports/known-truth/clear-cases.md", "suites/*/README.md")
#: The table of contents, whose place as the first page is taken.
CONTENTS = ("docs/README.md", "all-pages.md")
#: Beside a page only files of these kinds are copied, where it links to them.
_COPIED = {".html", ".svg", ".png", ".json", ".csv"}
_LINK = re.compile(r"\]\(([^()\s#]+)")


def pages() -> dict[str, str]:
    """Return the pages that do not lie in docs/ as they do in the site: repository path, name."""
    beside = sorted(path for glob in BESIDE for path in ROOT.glob(glob))
    names = {path.relative_to(ROOT).as_posix(): _name(path) for path in beside}
    return {**AT_THE_ROOT, **names, CONTENTS[0]: CONTENTS[1]}


def _name(page: Path) -> str:
    """Return the name of a page in the site; it leaves a folder's first page where there is one."""
    taken = (page.parent / "index.html").exists()
    return (page.with_name("about.md") if taken else page).relative_to(ROOT).as_posix()


def place(path: str, copied: frozenset[str] = frozenset()) -> str | None:
    """Return where a file of the repository lies in the site; None: it has no place there."""
    found = pages()
    if path in found:
        return found[path]
    if path in copied:
        return path
    inside = path.startswith("docs/") and (ROOT / path).is_file()
    return path.removeprefix("docs/") if inside else None


def source(name: str) -> str:
    """Return the path in the repository of a page of the site."""
    turned = {there: path for path, there in pages().items()}
    return turned.get(name, f"docs/{name}")


def copied() -> frozenset[str]:
    """Return the files outside of docs/ that pages link to, as far as they are copied.

    Of a page of HTML that is its folder's first one, the whole folder is.
    """
    found: set[str] = set()
    for page in [*(ROOT / path for path in pages()), *(ROOT / "docs").rglob("*.md")]:
        for target in _LINK.findall(page.read_text("utf-8")):
            file = (page.parent / target).resolve()
            file = file / "index.html" if (file / "index.html").is_file() else file
            if not file.is_relative_to(ROOT / "reports") or not file.is_file():
                continue
            first = file.name == "index.html"
            of_it = [one for one in file.parent.rglob("*") if one.is_file() and one.suffix != ".md"]
            wanted = of_it if first else [file] if file.suffix in _COPIED else []
            found |= {one.relative_to(ROOT).as_posix() for one in wanted}
    return frozenset(found)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside of docs/."""
    contents = files.get_file_from_path("README.md")
    assert contents is not None
    files.remove(contents)
    for path, name in [*pages().items(), *((path, path) for path in sorted(copied()))]:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files
