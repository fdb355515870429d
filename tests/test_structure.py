"""The rules of docs/architecture.md, a test a package; sources are read, and nothing imported."""

from __future__ import annotations

import ast
import functools
import statistics
import sys
from pathlib import Path

import pytest
from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import structure

MODULES = structure.modules()
#: From the top down: each may import what stands in the lines below it, and nothing beside it.
LAYERS = (
    ("cli", "pytest_plugin"),
    ("api",),
    ("serve",),
    ("report", "run"),
    ("results", "compress"),
    ("tasks", "config", "store", "device", "stats"),
    ("model", "backends"),
    ("outside",),
    ("ondevice", "errors", "text"),
)
#: Of what runs on devices the controller takes no more than this; what it does not name, nothing.
FROM_ONDEVICE = {
    "model": {"wire"},
    "outside": {"measure"},
    "store": {"wire"},
    "backends": {"backends", "third_parties"},
    "device": {"backends", "turns", "wire"},
    "compress": {"backends", "cause", "failed", "job", "measure"},
    "results": {"wire"},
    "config": {"backends"},
    "run": {"backends", "cause", "wire"},
    "cli": {"turns", "wire"},
}
PACKAGES = [name for layer in LAYERS for name in layer]
#: No sockets, files or database; a module named here is of a pure package and is not pure.
PURE = ("model", "stats", "results", "report", "text", "run.plan")
IMPURE = {
    "results.kept.method": "reads the code that computes",
    "results.kept_tables": "keeps comparisons of instance maps between commands",
    "report.interchange.benchmark_file": "reads the files of pytest-benchmark",
}
#: Modules of a pure part may not reach the world through these.
WORLDLY = {"socket", "subprocess", "sqlite3", "sqlalchemy", "paramiko", "shutil", "urllib"}
#: Imported where used, never while a module is being imported.
HEAVY = {
    "torch", "torch_pruning", "nncf", "pandas", "altair", "dask", "nibabel", "skimage", "openvino",
    "pycocotools", "psycopg", "distributed", "prometheus_client",
    "onnxruntime", "vl_convert", "starlette", "uvicorn",
}  # fmt: skip
ON_DEVICE = {
    "numpy", "psutil", "onnxruntime", "openvino", "ai_edge_litert", "tflite_runtime", "torch",
    "tensorrt",
}  # fmt: skip
#: Names that stand for one thing in several places, and why that is so.
CLASSES_DEFINED_TWICE: dict[str, str] = {}
#: A package that holds fewer than three things or more than sixteen, and why.
OTHER_SIZES = {"benchhub.ondevice.backends.tflite": "a backend is a folder, however small"}


def of_package(package: str) -> list[str]:
    """The modules of an entry of the root."""
    return [module for module in MODULES if structure.part_of(module) == package]


@functools.cache
def with_torch() -> set[str]:
    """Modules that are about nothing but torch; they are themselves imported where used."""
    return {
        module
        for module, path in MODULES.items()
        if structure.part_of(module) in ("compress", "tasks")
        and not path.name.startswith("__")
        and {name.split(".")[0] for name in structure.imports(module, MODULES, top_only=True)}
        & {"torch", "torch_pruning"}
    }


@functools.cache
def with_web() -> set[str]:
    """Modules that are about nothing but web pages; they are themselves imported where used."""
    return {
        module
        for module in of_package("serve")
        if {name.split(".")[0] for name in structure.imports(module, MODULES, top_only=True)}
        & {"starlette"}
    }


def is_pure(module: str) -> bool:
    inside = module.removeprefix("benchhub.")
    return inside not in IMPURE and any(
        inside == pure or inside.startswith(f"{pure}.") for pure in PURE
    )


def calls(module: str) -> list[tuple[int, str]]:
    """Line and text of what a module calls."""
    return [
        (node.lineno, ast.unparse(node.func))
        for node in ast.walk(structure.tree(MODULES[module]))
        if isinstance(node, ast.Call)
    ]


def test_every_module_is_under_a_rule() -> None:
    entries = {structure.part_of(module) for module in MODULES} - {"", "__main__"}
    assert entries == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    height = next(i for i, layer in enumerate(LAYERS) if package in layer)
    below = {name for layer in LAYERS[height + 1 :] for name in layer}
    wrong = []
    for module in of_package(package):
        for name in structure.imports(module, MODULES):
            other = structure.part_of(name) if name.startswith("benchhub.") else ""
            if not other or other == package:
                continue
            if other not in below:
                wrong.append(f"{module} imports {name}")
            elif other == "ondevice" and name.split(".")[2] not in FROM_ONDEVICE.get(package, ()):
                wrong.append(f"{module} imports {name} of what runs on devices")
    assert not wrong


@pytest.mark.parametrize("package", [p for p in PACKAGES if p not in ("cli", "pytest_plugin")])
def test_only_the_command_line_prints_or_exits(package: str) -> None:
    if package == "ondevice":
        return  # the runner's stdout is its wire
    wrong = [
        f"{module} line {line}: {text}"
        for module in of_package(package)
        for line, text in calls(module)
        if text in ("print", "sys.exit", "exit")
    ]
    assert not wrong


@pytest.mark.parametrize("package", sorted({pure.split(".")[0] for pure in PURE}))
def test_what_is_pure_touches_no_socket_file_or_database(package: str) -> None:
    wrong = []
    for module in filter(is_pure, of_package(package)):
        roots = {name.split(".")[0] for name in structure.imports(module, MODULES)}
        wrong += [f"{module} imports {name}" for name in sorted(roots & WORLDLY)]
        wrong += [f"{module} line {line}" for line, text in calls(module) if text == "open"]
    assert not wrong


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "ondevice"])
def test_heavy_packages_are_imported_where_used(package: str) -> None:
    wrong = []
    for module in of_package(package):
        names = structure.imports(module, MODULES, top_only=True)
        allowed = {"torch", "torch_pruning"} if module in with_torch() else set()
        allowed |= {"starlette"} if module in with_web() else set()
        heavy = {name.split(".")[0] for name in names} & HEAVY - allowed
        if module not in with_torch():
            heavy |= names & with_torch()
        if module not in with_web():
            heavy |= names & with_web()
        wrong += [f"{module} imports {name} at start-up" for name in sorted(heavy)]
    assert not wrong


def test_the_runner_is_python_3_8_and_imports_only_what_devices_have() -> None:
    known = sys.stdlib_module_names | ON_DEVICE | {"benchhub"}
    wrong = []
    for module in of_package("ondevice"):
        ast.parse(MODULES[module].read_text("utf-8"), feature_version=(3, 8))
        roots = {name.split(".")[0] for name in structure.imports(module, MODULES)}
        wrong += [f"{module} imports {name}" for name in sorted(roots - known)]
    assert not wrong


def test_a_child_starts_without_the_agents_modules() -> None:
    wanted: set[str] = set()
    for name in ("child", "stages"):
        wanted |= structure.imports(f"benchhub.ondevice.measure.{name}", MODULES)
    assert not [name for name in wanted if name.startswith("benchhub.ondevice.agent")]
    assert not [name for name in wanted if name.startswith("benchhub.ondevice.facts")]


def test_an_import_by_name_counts_as_one(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        'import importlib\nimportlib.import_module("benchhub.run.planning.plan")\n'
    )
    assert structure.imports("m", {"m": tmp_path / "m.py"}) == {
        "importlib",
        "benchhub.run.planning.plan",
    }


@pytest.mark.parametrize("top", ["benchhub", "benchmarks"])
def test_no_modules_import_one_another(top: str) -> None:
    assert structure.loops(top) == []


def test_the_root_has_few_entries_and_packages_are_of_a_size_to_read() -> None:
    assert len(structure.entries(ROOT / "benchhub")) <= 20
    others = {name for name, count in structure.packages() if not 3 <= count <= 16}
    assert others == set(OTHER_SIZES)


def test_modules_are_short() -> None:
    lengths = structure.lengths()
    assert {name: count for name, count in lengths.items() if count > 400} == {}
    assert statistics.median(lengths.values()) <= 100


def test_a_class_name_stands_for_one_thing() -> None:
    twice = {name: where for name, where in structure.classes().items() if len(where) > 1}
    assert twice.keys() == CLASSES_DEFINED_TWICE.keys(), twice
