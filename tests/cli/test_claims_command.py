"""Claims from suite to terminal: kept with the run, shown with it, held anew on request."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project, make_project

CLAIMS = """
[[claims]]
id = "smaller"
text = "int8 is smaller"
source = "somebody 2020"
ask = [{ quantity = "compression_bytes", at_least = 1 }]
[[claims]]
id = "gpu"
text = "a GPU is faster"
source = "somebody 2020"
gpu = true
ask = [{ quantity = "speedup", at_least = 1 }]
[[claims]]
id = "lossy"
text = "int8 loses a fifth of the AUC"
source = "somebody 2020"
ask = [{ quantity = "quality_loss", at_least = 0.2 }]
"""
OTHER = '\n[[claims]]\nid = "tiny"\ntext = "1 byte"\nsource = "me"\nask = [{}]\n'.replace(
    "{}", '{ quantity = "model_bytes", at_most = 1 }'
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Project:
    project = make_project(tmp_path_factory.mktemp("claimed"), launches=2)
    project.add(CLAIMS)
    done = project.run("run", "tiny", "--device", "here")
    assert done.code == 0, done.err
    assert "does not hold  int8 loses a fifth of the AUC (somebody 2020)" in done.out
    return project


def test_the_run_keeps_them_and_shows_them_last(measured: Project) -> None:
    shown = measured.here("runs", "show", "latest").out
    tail = shown[shown.index("Claims: ") :]
    assert "holds          int8 is smaller" in tail
    assert "no GPU in this run" in tail
    found = measured.here("report", "latest", "--format", "json").json["claims"]
    verdicts = [(claim["id"], claim["verdict"]) for claim in found]
    expected = ["holds", "cannot be told", "does not hold"]
    assert verdicts == list(zip(["smaller", "gpu", "lossy"], expected, strict=True))
    assert found[2]["high"] < 0.2
    page = (measured.folder / next(iter(_pages(measured)))).read_text("utf-8")
    assert 'id="claim-table"' in page


def test_a_report_may_be_held_against_other_claims(measured: Project) -> None:
    text = measured.suite.read_text().replace(CLAIMS, OTHER)
    (measured.folder / "other.toml").write_text(text)
    done = measured.here("report", "latest", "--format", "json", "--claims", "other.toml")
    (claim,) = done.json["claims"]
    assert (claim["id"], claim["verdict"]) == ("tiny", "does not hold")
    refused = measured.here("report", "latest", "--claims", "none.toml")
    assert refused.code == 2
    assert "none.toml" in refused.error


def test_a_mistake_stops_before_any_work(measured: Project) -> None:
    text = measured.suite.read_text().replace("compression_bytes", "compresion_bytes")
    folder = measured.folder / "suites" / "wrong"
    folder.mkdir()
    (folder / "suite.toml").write_text(text)
    done = measured.run("run", "wrong", "--device", "here")
    assert done.code == 2
    assert "claims[0].ask[0].quantity: unknown compresion_bytes" in done.error
    assert "did you mean compression_bytes?" in done.error


def _pages(project: Project) -> list[Path]:
    return sorted(project.folder.glob("benchhub-*.html"))
