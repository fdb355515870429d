"""The command that measures again names the suite as `run` takes it, not by its own name."""

from __future__ import annotations

import pytest
from builders import make_run

from benchhub.model.request import RunRequest
from benchhub.report.gate.entries import again


@pytest.mark.parametrize(
    ("command", "suite", "said"),
    [
        ("benchhub run suites/edge --device pi4", "edge/suite.toml", "benchhub run suites/edge"),
        ("benchhub run --device pi4 --dry-run ./edge.toml", "me/edge.toml",
         "benchhub run ./edge.toml"),
        ("benchhub run --json . --scenario latency", "me/suite.toml", "benchhub run ."),
        ("benchhub run --effort=quick 'my suite'", "my suite/suite.toml",
         "benchhub run 'my suite'"),
        ("pytest --benchhub-suite edge", "edge/suite.toml", "benchhub run edge"),
        ("", "edge/suite.toml", "benchhub run edge"),
        ("benchhub run 'cut", "edge/suite.toml", "benchhub run edge"),
        ("", "quickstart", "benchhub run own-name"),
    ],
)  # fmt: skip
def test_the_suite_is_what_was_typed_or_its_folder(command, suite, said) -> None:
    told = {"command": command} if command else {"benchhub": "0.1.0"}
    run = make_run(told, suite="own-name", request=RunRequest(suite, ("localhost",)))
    assert again(run) == said
