#!/usr/bin/env python3
"""Counts the structure of the code, from its imports and definitions: `scripts/structure.py`.

Nothing of the project is imported or run, so that it works where nothing is installed. The tests
in tests/test_structure.py hold the same counts to their limits.
"""

from __future__ import annotations

import ast
import functools
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: A module that is imported by nothing here and a folder that is no package: Alembic's layout.
_NOT_CODE = ("shipped", "__pycache__", "migrations")


@functools.cache
def modules(top: str = "benchhub", root: Path = ROOT) -> Mapping[str, Path]:
    """Return the file of every module of a package, by dotted name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / top).rglob("*.py"))
        if not set(_NOT_CODE[:2]) & set(path.parts)
    }


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


def imports(module: str, known: Mapping[str, Path], top_only: bool = False) -> set[str]:
    """Return what a module imports, as dotted names; of `known` packages the very module.

    `top_only`: what runs while it is being imported, not in functions nor for type checks.
    """
    path = known[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in at_import(tree(path)) if top_only else ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in known else base for name in names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {of.value for of in node.args[:1] if isinstance(of, ast.Constant)}
    return found


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every node that runs while a module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from at_import(child)


def part_of(module: str) -> str:
    """Return the entry of the package's root that a module belongs to; empty for the package."""
    return module.split(".")[1] if module.count(".") else ""


def entries(folder: Path) -> list[str]:
    """Return what a package's folder holds: modules, packages and folders of data."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in ("__init__.py", "py.typed", *_NOT_CODE[:2])
        and (path.suffix == ".py" or path.is_dir())
    )


def packages(top: str = "benchhub") -> Iterator[tuple[str, int]]:
    """Yield each package below the root with how many things it holds."""
    for name, path in modules(top).items():
        if path.name == "__init__.py" and name != top:
            yield name, len(entries(path.parent))


def arrows() -> Counter[tuple[str, str]]:
    """Return how many imports go from one entry of the root to another."""
    known = modules()
    return Counter(
        (part_of(module), part_of(name))
        for module in known
        for name in imports(module, known)
        if name.startswith("benchhub.")
        and part_of(module) not in ("", "__main__", part_of(name))
        and part_of(name)
    )


def layers(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the entries from the top down, each as high as its longest chain of imports."""
    below: dict[str, set[str]] = defaultdict(set)
    for upper, lower in pairs:
        below[upper].add(lower)

    @functools.cache
    def height(name: str) -> int:
        return 1 + max(map(height, below.get(name, ())), default=0)

    found: dict[int, list[str]] = defaultdict(list)
    for name in sorted({*below, *(lower for lowers in below.values() for lower in lowers)}):
        found[height(name)].append(name)
    return [found[place] for place in sorted(found, reverse=True)]


def picture() -> str:
    """Return the layers as text: an entry may import what stands in the lines below it."""
    lines = ["   ".join(layer) for layer in layers(arrows())]
    return "\n".join(f"{len(lines) - place}  {line}" for place, line in enumerate(lines))


def loops(top: str) -> list[list[str]]:
    """Return the groups of modules that import one another, functions included.

    The package itself counts by what importing it runs: every module has it imported first, and
    what it offers is imported when it is asked for.
    """
    known = modules(top)
    below = {
        module: imports(module, known, top_only=module == top) & set(known) - {module}
        for module in known
    }
    found: list[list[str]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> None:  # Tarjan's strongly connected components
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(below[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for module in known:
        if module not in index:
            visit(module)
    return found


def lengths() -> dict[str, int]:
    """Return the number of lines of every module."""
    return {name: len(path.read_text("utf-8").splitlines()) for name, path in modules().items()}


def classes() -> dict[str, list[str]]:
    """Return the modules in which each class name is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, path in modules().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(module)
    return found


#: Where dicts of anything are at home: what is read and written there has no other form.
EDGE = (
    "benchhub.cli", "benchhub.config", "benchhub.device", "benchhub.ondevice",
    "benchhub.pytest_plugin", "benchhub.store", "benchhub.report.run.json",
    "benchhub.report.run.row_json", "benchhub.report.compare.json", "benchhub.report.gate.json",
    "benchhub.report.interchange", "benchhub.report.charts", "benchhub.report.run.html",
    "benchhub.report.plain", "benchhub.compress.files",
)  # fmt: skip


def loose_dicts() -> dict[str, int]:
    """Return how often each module past the edge says `dict` or `Mapping` of str to Any."""
    found: Counter[str] = Counter()
    for module, path in modules().items():
        if any(module == edge or module.startswith(f"{edge}.") for edge in EDGE):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Subscript) and _is_loose(node):
                found[module] += 1
    return dict(found)


def _is_loose(node: ast.Subscript) -> bool:
    kind = ast.unparse(node.value).rpartition(".")[2]
    return kind in ("dict", "Dict", "Mapping", "MutableMapping") and ast.unparse(node.slice) in (
        "(str, Any)", "str, Any", "(str, object)", "str, object",
    )  # fmt: skip


def main() -> None:
    """Print the counts, and the layers from the top down."""
    pairs = arrows()
    sizes = lengths()
    twice = {name: where for name, where in classes().items() if len(where) > 1}
    outside = {name: count for name, count in packages() if not 3 <= count <= 16}
    longest = max(sizes, key=sizes.__getitem__)
    loose = loose_dicts()
    print(f"entries of the root          {len(entries(ROOT / 'benchhub'))}")
    print(f"layers of the root           {len(layers(pairs))}")
    print(f"arrows between its entries   {len(pairs)} ({sum(pairs.values())} imports)")
    looped = ", ".join(f"{top} {len(loops(top))}" for top in ("benchhub", "benchmarks"))
    print(f"import loops                 {looped}")
    print(f"modules                      {len(sizes)}, {sum(sizes.values())} lines")
    middle = statistics.median(sizes.values())
    print(f"lines of a module            median {middle:g}, most {sizes[longest]} ({longest})")
    print(f"packages outside 3 to 16     {len(outside)}: {outside}")
    print(f"class names defined twice    {len(twice)}: {', '.join(sorted(twice))}")
    print(f"loose dicts past the edge    {sum(loose.values())} in {len(loose)} modules")
    print(f"\n{picture()}")


if __name__ == "__main__":
    main()
