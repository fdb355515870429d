"""Reads files to be imported, and checks those of pytest-benchmark; the only reader of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import TEXT, check_depth, whole
from benchhub.outside.masked import all_masked
from benchhub.outside.mistakes import said
from benchhub.text import all_visible, visible

#: Eleven days: longer rounds are a mistake of units, and their sums do not fit nanoseconds.
_LONGEST_S = 1e6


class RoundStats(BaseModel):
    """The rounds of a benchmark: `data` in seconds for one call, the mean of `iterations`."""

    model_config = ConfigDict(strict=True)  # "1" is no time

    data: list[float] | None = None
    iterations: int = Field(default=1, ge=1, lt=2**31)


class Benchmark(BaseModel):
    """One benchmark; `extra_info` is free, `benchhub` in it is what benchhub wrote or reads."""

    name: str
    fullname: str
    group: str | None = None
    extra_info: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    stats: RoundStats

    @property
    def told(self) -> dict[str, Any]:
        """What the benchmark says of itself in benchhub's words; empty: nothing."""
        known = self.extra_info.get("benchhub")
        return known if isinstance(known, dict) else {}


class BenchmarkFile(BaseModel):
    """One file: one process on one machine."""

    machine_info: dict[str, Any]
    commit_info: dict[str, Any] | None = None
    benchmarks: list[Benchmark]
    saved_at: str = Field(alias="datetime")
    version: str | None = None
    benchhub: dict[str, Any] | None = None
    #: Of the file itself.
    name: str = ""
    sha256: str = ""

    @property
    def at(self) -> datetime:
        """When it was written; a time without a zone is taken as UTC."""
        at = datetime.fromisoformat(self.saved_at)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def read(path: Path) -> tuple[bytes, datetime]:
    """Return what a file holds and when it was written; ConfigError if it cannot be read."""
    try:
        return whole(path, TEXT), _written_at(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _written_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (ValueError, OverflowError):  # a clock that was set to no year of the calendar
        return datetime.fromtimestamp(0, UTC)


def read_file(path: Path, raw: bytes) -> BenchmarkFile:
    """Return `raw`, the content of `path`, checked; ConfigError, in one line, if it is no such."""
    try:
        found = BenchmarkFile.model_validate_json(_seen(path, raw))
        found.at  # noqa: B018
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(
            f"{path}: is no pytest-benchmark JSON: {where}: {said(first)};"
            " write one with `pytest --benchmark-json=FILE`"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: datetime {found.saved_at!r} is not in ISO 8601") from error
    for benchmark in found.benchmarks:
        _check_rounds(path, benchmark)
    _check_names(path, found.benchmarks)
    named = {"name": visible(path.name), "sha256": hashlib.sha256(raw).hexdigest()}
    return found.model_copy(update=named)


def _seen(path: Path, raw: bytes) -> bytes:
    """Return JSON with its texts made visible, and without secrets; what is none as it is.

    ConfigError where it is nested too deeply to be shown.
    """
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    try:
        check_depth(told)
    except ValueError as error:
        raise ConfigError(f"{path}: is {error}; write it again") from error
    return json.dumps(all_masked(all_visible(told))).encode()


def _check_rounds(path: Path, benchmark: Benchmark) -> None:
    for index, value in enumerate(benchmark.stats.data or ()):
        if not math.isfinite(value) or not 0 <= value <= _LONGEST_S:
            raise ConfigError(
                f"{path}: {benchmark.fullname}: stats.data[{index}] is {value}: a round lasts a"
                f" finite time, not below 0 nor above {_LONGEST_S:g} s; measure again"
            )


def _check_names(path: Path, benchmarks: Sequence[Benchmark]) -> None:
    seen: set[str] = set()
    for benchmark in benchmarks:
        if benchmark.fullname in seen:
            raise ConfigError(
                f"{path}: {benchmark.fullname} is in the file twice; give each benchmark a name"
            )
        seen.add(benchmark.fullname)
