"""What of somebody's report is asked for here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from project import make_project, write_model
from published_reports import document, row

from benchhub.config.published.read import of_document
from benchhub.config.published.told import PublishedReport
from benchhub.errors import ConfigError
from benchhub.model.request import BenchRequest
from benchhub.run.again import Again, Wishes, asked_again, measured_again


def of(*rows: dict[str, Any], suite: str = "tiny", **run: Any) -> PublishedReport:
    """A report of a suite."""
    told = document(*rows)
    told["run"] |= {"suite": suite, **run}
    return of_document(told, "x")


def asked(report: PublishedReport, project: Path, **wishes: Any) -> Again:
    """What measures all of it."""
    rows = measured_again(report, [one.name for one in report.devices])
    return asked_again(report, rows, Wishes("localhost", **wishes), project)


def test_a_suite_that_is_here_is_narrowed_to_the_report(tmp_path: Path) -> None:
    make_project(tmp_path)
    profile = row("fp32", "profile", cell="p")
    found = asked(of(row(), row("int8"), row("new"), profile, effort="quick"), tmp_path)
    assert found.request is not None
    assert (found.request.variants, found.request.backends) == (("fp32", "int8"), ("onnxruntime",))
    assert (found.request.scenarios, found.request.effort) == (("latency",), "quick")
    assert found.lacking == {"new": "suite tiny here has no variant new"}
    assert asked(of(effort="endless"), tmp_path).request.effort == "standard"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["../tiny", "/etc", "tiny/../tiny", "suites/tiny", "~", "nope"])
def test_the_name_of_a_suite_is_no_path(tmp_path: Path, name: str) -> None:
    make_project(tmp_path)
    with pytest.raises(ConfigError, match="name the suite with --suite, or give the models"):
        asked(of(suite=name), tmp_path)


def test_a_suite_that_has_nothing_of_it_is_refused(tmp_path: Path) -> None:
    make_project(tmp_path)
    with pytest.raises(ConfigError, match="shares no backends with the report"):
        asked(of(row(backend="tflite")), tmp_path)
    with pytest.raises(ConfigError, match="shares no variants with the report"):
        asked(of(row("odd")), tmp_path)


def test_files_alone_are_benched_at_the_settings_of_the_report(tmp_path: Path) -> None:
    sha256 = []
    for name, seed in (("small", 1), ("large", 2)):
        path = write_model(tmp_path / f"{name}.onnx", seed=seed)
        sha256.append(hashlib.sha256(path.read_bytes()).hexdigest())
    size = (tmp_path / "small.onnx").stat().st_size
    rows = [
        row(model_sha256=sha256[0], threads=threads, options='{"arena": false}')
        for threads in (1, 4)
    ]
    told = document(*rows, row("int8", model_sha256=sha256[1]), row("gone"))
    told["run"] |= {"suite": "bench", "kind": "bench"}
    for one in told["variants"]:
        one["model_bytes"] = size
    found = asked(of_document(told, "x"), tmp_path, folders=(tmp_path,))
    assert isinstance(found.request, BenchRequest)
    assert [Path(one).name for one in found.request.models] == ["small.onnx", "large.onnx"]
    assert (found.request.threads, found.request.batches) == ((1, 4), (1,))
    assert found.request.options == ("onnxruntime.arena=false",)
    assert list(found.lacking) == ["gone"]
    assert "--models DIR" in found.lacking["gone"]


def test_other_kinds_of_runs_are_not_run_again(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="of kind selftest"):
        asked(of(kind="selftest"), tmp_path)
