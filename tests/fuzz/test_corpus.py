"""What was hard once: every parser ends in its value or in one line that can be acted on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.campaign import UNPACK_MB
from fuzz.target import Target, Untold, tried
from fuzz.targets import CORPUS, corpus_files, lacking, listed


def _of(target: Target) -> Iterator[tuple[str, bytes, str | None]]:
    """Yield what a target has to read: names, bytes, and what the line must have."""
    for name, (make, wanted) in target.hard.items():
        yield name, make(), wanted
    for path in corpus_files(target):
        yield path.name, path.read_bytes(), None


def _asked(target: Target) -> list[pytest.MarkDecorator]:
    if "torch" in target.needs:
        return [pytest.mark.asks("torch", "processes")]
    return [pytest.mark.asks("native")] if target.native else []


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHHUB_UNPACK", str(UNPACK_MB))


def _written(target: Target, folder: Path, content: bytes) -> Path:
    folder.mkdir()
    path = folder / f"input{target.ending}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "target", [pytest.param(one, id=one.name, marks=_asked(one)) for one in listed()]
)
def test_sound_ones_are_values_and_hard_ones_a_value_or_a_line(
    target: Target, tmp_path: Path
) -> None:
    if (missing := lacking(target)) is not None:
        pytest.skip(f"{missing} is not installed")
    wrong = []
    for number, seed in enumerate(target.seeds()):
        if (line := _tried(target, _written(target, tmp_path / f"seed{number}", seed))) is not None:
            wrong.append(f"seed {number}: {line}")
    for number, (name, content, wanted) in enumerate(_of(target)):
        line = _tried(target, _written(target, tmp_path / str(number), content))
        if wanted is not None and (line is None or not re.search(wanted, line)):
            wrong.append(f"{name}: {(line or 'a value')[:300]}, not {wanted!r}")
        if line is not None and line.startswith("UNTOLD"):
            wrong.append(f"{name}: {line}")
    assert not wrong, "\n".join(wrong)


def _tried(target: Target, path: Path) -> str | None:
    try:
        return tried(target, path)
    except Untold as error:
        return f"UNTOLD {error.kind}: {error}"[:300]


def test_the_corpus_is_small_and_of_targets() -> None:
    shelves = {path.name for path in CORPUS.iterdir() if path.is_dir()}
    assert shelves <= {one.name for one in listed()}
    assert sum(path.stat().st_size for one in listed() for path in corpus_files(one)) < 300_000
