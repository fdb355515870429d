"""A project with a measured run, and pytest sessions in it with the plugin."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from project import Project, make_project

#: Kept, broken and never decided by two launches, whatever this machine does meanwhile.
BUDGETS = """\
[[budgets]]
name = "small"
model_bytes = {bytes}
[[budgets]]
name = "fast"
latency_p50_ms = 100000
"""
_INSTALLED = any(one.name == "benchhub" for one in entry_points(group="pytest11"))
#: Loads the plugin, unless an installation does.
PLUGIN = () if _INSTALLED else ("-p", "benchhub.pytest_plugin")
USUAL = (*PLUGIN, "-p", "no:cacheprovider", "-p", "no:randomly")


def small_project(folder: Path, model_bytes: int = 10**9) -> Project:
    """Write a project of one variant, measured in two launches, with two budgets."""
    project = make_project(folder, ("onnxruntime",), launches=2)
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    project.edit("[scenarios.quality]\nbatch = 8\n", "")
    project.add(BUDGETS.format(bytes=model_bytes))
    return project


def budgets(folder: Path, text: str) -> Path:
    """Write a file of budgets."""
    path = folder / "other-budgets.toml"
    path.write_text(f"[[budgets]]\nname = 'other'\n{text}\n")
    return path
