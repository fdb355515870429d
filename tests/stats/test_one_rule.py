"""Every rule of `benchhub.stats` decides something in what ships: none is there to be tested."""

from __future__ import annotations

import ast
import sys

from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import structure

MODULES = structure.modules()


def used(module: str) -> set[str]:
    """Return the names that a module refers to, not those that it defines."""
    found = set()
    for node in ast.walk(structure.tree(MODULES[module])):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def test_what_ships_calls_every_function_of_stats() -> None:
    known = {name for module in MODULES for name in used(module)}
    defined = {
        node.name
        for module in MODULES
        if structure.part_of(module) == "stats"
        for node in structure.tree(MODULES[module]).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert len(defined) > 40
    assert defined - known == set()
