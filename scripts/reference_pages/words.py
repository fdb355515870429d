"""The part of docs/concepts.md that names code: classes of the domain, and packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from reference_pages.markdown import code, sentence

ROOT = Path(__file__).resolve().parents[2] / "benchhub"
BEGIN, END = "<!-- begin: scripts/reference.py -->", "<!-- end -->"


def replaced(page: str) -> str:
    """Return the page with what stands between the two marks made anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/concepts.md has no {BEGIN} with an {END}")
    return f"{before}{BEGIN}\n\n{names()}\n\n{END}{after}"


def names() -> str:
    """Return the classes of `benchhub.model` by theme, and the packages beside it."""
    parts = []
    for path in sorted((ROOT / "model").glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        lines = [f"- {code(name)}: {text}" for name, text in sorted(classes(tree))]
        if lines:
            title = f"{code(f'benchhub.model.{path.stem}')}: {sentence(ast.get_docstring(tree))}"
            parts.append("\n".join([title, "", *lines]))
    parts.append("\n".join(["Packages and modules:", "", *packages()]))
    return "\n\n".join(parts)


def classes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the public classes of a module, each with the first sentence of its docstring."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, sentence(ast.get_docstring(node))


def packages() -> Iterator[str]:
    """Yield a line for each entry of the package's root."""
    for path in sorted(ROOT.iterdir()):
        source = path / "__init__.py" if path.is_dir() else path
        if path.name.startswith("__") or source.suffix != ".py" or not source.is_file():
            continue
        tree = ast.parse(source.read_text("utf-8"))
        yield f"- {code(f'benchhub.{path.stem}')}: {sentence(ast.get_docstring(tree))}"
