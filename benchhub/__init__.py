"""Measure compressed model variants across devices and compare them, quality loss included.

    import benchhub

    found = benchhub.bench("model.onnx", budgets={"latency_p95_ms": 20})
    found.rows, found.verdicts, found.report("report.html")

`bench` measures model files, `run` a suite, `load` returns a run that was measured. They are those
of `benchhub.api`, and are imported when they are first asked for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["RunResults", "bench", "load", "run"]

if TYPE_CHECKING:
    from benchhub.api import RunResults as RunResults
    from benchhub.api import bench as bench
    from benchhub.api import load as load
    from benchhub.api import run as run


class _Callable(ModuleType):
    """The package `benchhub.run`, which is called by the name of the function `run`."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        from benchhub import api

        return api.run(*arguments, **named)


class _Package(ModuleType):
    """This package: importing `benchhub.run` must not hide the function of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "run" and type(value) is ModuleType:
            value.__class__ = _Callable
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name == "run":
        import importlib

        return importlib.import_module("benchhub.run")
    if name in __all__:
        from benchhub import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


sys.modules[__name__].__class__ = _Package
