"""Who may import whom. Reads sources only, so that it runs where nothing is installed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from repository import ROOT

PACKAGE = ROOT / "benchhub"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "shipped" not in path.parts
}

#: What a part may import of benchhub; a part not named here joins others and may import all but
#: the command line. Every part may import itself.
ALLOWED = {
    "ondevice": set(),
    "errors": set(),
    "model": {"ondevice.wire"},
    "stats": {"model", "errors"},
    "plan": {"model", "errors"},
    "agreement": {"model"},
    "quality": {"model", "errors", "stats", "agreement", "quality_tables", "ondevice.wire"},
    "quality_tables": {"model"},
    "flags": {"model", "stats", "ondevice.wire"},
    "quality_columns": {"model", "agreement", "quality", "quality_tables", "stats"},
    "launch_values": {"model"},
    "timing_columns": {"model", "stats", "launch_values"},
    "summary": {
        "model",
        "errors",
        "stats",
        "flags",
        "quality_columns",
        "quality_tables",
        "timing_columns",
        "launch_values",
        "ondevice.wire",
    },
    "limit": {"model"},
    "next_step": {"model", "limit"},
    "verdict": {"model", "stats", "limit", "next_step"},
    "rates": {"model", "limit", "verdict"},
    "gate": {"model", "errors", "limit", "rates", "verdict"},
    "fixed_work": {"model"},
    "canary": {"model", "stats", "order", "fixed_work"},
    "undecided": {"model", "stats", "gate", "timing_columns", "order"},
    "report": {
        "model",
        "errors",
        "stats",
        "quality",
        "rates",
        "summary",
        "operators",
        "comparison",
        "comparison_conditions",
        "comparison_moves",
        "ondevice.wire",
    },
    "comparison": {
        "model",
        "errors",
        "comparison_canary",
        "comparison_conditions",
        "comparison_moves",
    },
    "comparison_canary": {"model", "stats", "canary", "comparison_conditions"},
    "comparison_conditions": {"model"},
    "comparison_metrics": {"model", "stats", "launch_values"},
    "comparison_moves": {"model", "stats", "quality", "comparison_metrics"},
    "operators": {"model"},
    "claims": {"model", "stats", "operators", "report.formats.text"},
    "paired_quality": {"model", "quality", "quality_tables", "claims.figures"},
    "schema": {"model", "errors", "claims.names"},
    "config_claims": {"model", "errors", "schema", "claims.names"},
    "config": {"model", "errors", "schema", "config_claims", "ondevice.wire"},
    "device": {"model", "errors", "ondevice.wire"},
    "store": {"model", "errors", "ondevice.wire"},
    "tasks": {"model", "errors"},
    "compress": {"model", "errors", "tasks"},
    "catalogue": {"errors"},
    "selftest_needed": {"model"},
    "history": {"model", "stats"},
}
PURE = {
    "stats", "plan", "claims", "paired_quality", "agreement", "quality", "quality_columns",
    "quality_tables", "timing_columns",
    "flags", "summary", "limit", "next_step", "launch_values", "verdict", "rates", "gate", "model",
    "selftest_needed", "history",
    "comparison", "comparison_canary", "comparison_conditions", "comparison_metrics",
    "comparison_moves",
}  # fmt: skip
#: Modules of a pure part may not reach the world through these.
WORLDLY = {"socket", "subprocess", "sqlite3", "sqlalchemy", "paramiko", "shutil", "urllib"}
#: Imported where used, never while a module is being imported.
HEAVY = {
    "torch", "torch_pruning", "nncf", "pandas", "altair", "dask", "nibabel", "skimage", "openvino",
    "onnxruntime", "vl_convert",
}  # fmt: skip
ON_DEVICE = {
    "numpy", "psutil", "onnxruntime", "openvino", "ai_edge_litert", "tflite_runtime", "torch",
    "tensorrt",
}  # fmt: skip


def part_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def imports(path: Path, module: str, top_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in _nodes(tree) if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            found |= {
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base
                for alias in node.names
            }
    return found


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """Every node that runs while the module is imported: not in functions, not for type checks."""
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        nodes += [child, *_nodes(child)]
    return nodes


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_only_what_its_part_may(module: str) -> None:
    part = part_of(module)
    if part in ("", "__main__", "cli"):
        return
    for name in imports(MODULES[module], module):
        if not name.startswith("benchhub."):
            continue
        other = name.removeprefix("benchhub.")
        assert part_of(name) != "cli", f"{module} imports the command line"
        if part in ALLOWED and part_of(name) != part:
            assert other in ALLOWED[part] or part_of(name) in ALLOWED[part], (
                f"{module} imports {name}"
            )


@pytest.mark.parametrize("module", sorted(m for m in MODULES if part_of(m) in PURE | {"report"}))
def test_pure_parts_touch_no_socket_file_or_database(module: str) -> None:
    touched = {name.split(".")[0] for name in imports(MODULES[module], module)} & WORLDLY
    assert not touched, f"{module} imports {touched}"
    if part_of(module) != "report":  # its templates are package files
        calls = [
            node
            for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print", "exit")
        ]
        assert not calls, f"{module} line {calls[0].lineno if calls else 0}"


def top_imports(module: str) -> set[str]:
    return imports(MODULES[module], module, top_only=True)


#: Modules that are about nothing but torch; they are themselves imported where used.
WITH_TORCH = {
    module
    for module in MODULES
    if part_of(module) in ("compress", "tasks")
    and not MODULES[module].name.startswith("__")
    and {name.split(".")[0] for name in top_imports(module)} & {"torch", "torch_pruning"}
}


@pytest.mark.parametrize("module", sorted(m for m in MODULES if part_of(m) != "ondevice"))
def test_heavy_packages_are_imported_where_used(module: str) -> None:
    allowed = {"torch", "torch_pruning"} if module in WITH_TORCH else set()
    top = {name.split(".")[0] for name in top_imports(module)}
    assert not top & HEAVY - allowed, f"{module} imports {top & HEAVY} at start-up"
    if module not in WITH_TORCH:
        found = top_imports(module) & WITH_TORCH
        assert not found, f"{module} imports torch at start-up through {found}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if part_of(m) not in ("cli", "")))
def test_only_the_command_line_prints_or_exits(module: str) -> None:
    if part_of(module) in ("ondevice", "__main__"):
        return  # the runner's stdout is its wire
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            assert text not in ("print", "sys.exit", "exit"), f"{module} line {node.lineno}: {text}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if part_of(m) == "ondevice"))
def test_the_runner_is_python_3_8_and_imports_only_what_devices_have(module: str) -> None:
    ast.parse(MODULES[module].read_text("utf-8"), feature_version=(3, 8))
    for name in imports(MODULES[module], module):
        root = name.split(".")[0]
        known = root in sys.stdlib_module_names or root in ON_DEVICE | {"benchhub"}
        assert known, f"{module} imports {name}"


def test_every_part_is_covered() -> None:
    parts = {part_of(module) for module in MODULES}
    assert set(ALLOWED) <= parts, set(ALLOWED) - parts


def test_a_child_starts_without_the_agents_modules() -> None:
    wanted: set[str] = set()
    for name in ("benchhub.ondevice.measure.child", "benchhub.ondevice.measure.stages"):
        wanted |= imports(MODULES[name], name)
    assert not wanted & {f"benchhub.ondevice.{n}" for n in ("agent", "facts", "conditions")}
