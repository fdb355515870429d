"""Model files in place of what a suite makes: found by their content, and put into the suite."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.compress import get_recipe
from benchhub.compress.files.look import inspect_model
from benchhub.config.request import Resolved
from benchhub.errors import BenchhubError, ConfigError
from benchhub.model.asked import VariantSpec

#: A folder with more files is not one of models: it is not looked through to its end.
MOST_FILES = 50_000
_PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model by its content: `main_bytes` and `main_sha256` are of its file alone.

    `sha256` is another one where the model is kept in several files.
    """

    sha256: str
    main_sha256: str
    main_bytes: int


def find_models(folders: Sequence[Path], wanted: Sequence[WantedModel]) -> dict[str, Path]:
    """Return where the models lie that are in the folders, or below them, by their sha256.

    Files of another size are not read. ConfigError for a folder that is none, or is too full.
    """
    by_size: dict[int, list[WantedModel]] = {}
    for one in wanted:
        by_size.setdefault(one.main_bytes, []).append(one)
    found: dict[str, Path] = {}
    for path in _files(folders):
        try:
            told = path.stat()
            if not stat.S_ISREG(told.st_mode):
                continue
            left = [one for one in by_size.get(told.st_size, ()) if one.sha256 not in found]
            digest = _sha256(path) if left else ""
        except OSError:
            continue  # gone meanwhile, or not ours to read: then it is not found
        for one in left:
            if one.main_sha256 == digest and _is_whole(one, path):
                found[one.sha256] = path
    return found


def with_given(resolved: Resolved) -> Resolved:
    """Return a resolved request with the files that it gives in place of its suite's variants.

    ConfigError where the suite has no such variant.
    """
    given = resolved.request.given
    if not given:
        return resolved
    suite = resolved.suite
    kept = {spec.name for spec in suite.variants}
    if missing := [name for name in given if name not in kept]:
        raise ConfigError(f"{suite.path}: has no variant {missing[0]} to be given a file for")
    variants = tuple(_with_file(spec, given, kept) for spec in suite.variants)
    return dataclasses.replace(resolved, suite=dataclasses.replace(suite, variants=variants))


def _with_file(spec: VariantSpec, given: Mapping[str, str], kept: set[str]) -> VariantSpec:
    if spec.name not in given:
        return spec
    approximates = spec.approximates
    if spec.recipe is not None:  # a file tells nothing of how it was made
        approximates = get_recipe(spec.recipe.name).approximates
    source = spec.source if spec.source in kept else None
    return dataclasses.replace(
        spec, model=Path(given[spec.name]), recipe=None, source=source, approximates=approximates
    )


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    count = 0
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"--models {folder}: no such folder; name one that has the models")
        for place, inner, names in os.walk(folder):
            inner.sort()
            for name in sorted(names):
                count += 1
                if count > MOST_FILES:
                    raise ConfigError(
                        f"--models {folder}: has more than {MOST_FILES} files; name the folder of"
                        " the models alone"
                    )
                yield Path(place) / name


def _is_whole(one: WantedModel, path: Path) -> bool:
    if one.sha256 == one.main_sha256:
        return True
    try:  # what it keeps in other files counts, too
        return inspect_model(path.stem, path).sha256 == one.sha256
    except BenchhubError:
        return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
