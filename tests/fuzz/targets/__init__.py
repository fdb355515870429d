"""All parsers that are tried, by family; and the corpus that each has in `corpus/`."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from ..target import Target

CORPUS = Path(__file__).resolve().parents[1] / "corpus"


@functools.cache
def _all() -> Mapping[str, Target]:
    from . import (
        archives,
        events,
        keys,
        locks,
        onnx_files,
        pictures,
        programs,
        published_reports,
        reports,
        settings,
        stores,
        tables,
        tflite_files,
        torch_files,
    )

    families = (
        settings, archives, pictures, tables, onnx_files, tflite_files, torch_files, programs,
        reports, published_reports, stores, keys, locks, events,
    )  # fmt: skip
    return {target.name: target for family in families for target in family.TARGETS}


def listed() -> list[Target]:
    """Return all targets."""
    return list(_all().values())


def known(name: str) -> Target:
    """Return a target by its name; one that begins with `toy-` is for tests of this package."""
    if name.startswith("toy-"):
        from ..toys import TOYS

        return TOYS[name]
    return _all()[name]


def lacking(target: Target) -> str | None:
    """Return a package that a target needs and that is not installed, None if there is none."""
    return next((one for one in target.needs if importlib.util.find_spec(one) is None), None)


def corpus(target: Target) -> list[bytes]:
    """Return the files of a target's corpus, in the order of their names."""
    return [path.read_bytes() for path in corpus_files(target)]


def corpus_files(target: Target) -> list[Path]:
    """Return where they are."""
    shelf = CORPUS / target.name
    return sorted(path for path in shelf.iterdir() if path.is_file()) if shelf.is_dir() else []
