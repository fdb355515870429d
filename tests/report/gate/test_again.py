"""The command that measures again is what was typed, or names the suite as `run` takes it."""

from __future__ import annotations

import pytest
from builders import make_run

from benchhub.model.request import RunRequest
from benchhub.report.gate.entries import again, again_told


@pytest.mark.parametrize(
    ("command", "suite", "said"),
    [
        ("benchhub run suites/edge --device pi4", "edge/suite.toml",
         "benchhub run suites/edge --device pi4"),
        ("benchhub run --json . --scenario latency", "me/suite.toml",
         "benchhub run --json . --scenario latency"),
        ("benchhub run --effort=quick 'my suite'", "my suite/suite.toml",
         "benchhub run --effort=quick 'my suite'"),
        ("benchhub run --resume edge", "edge/suite.toml", "benchhub run edge"),
        ("pytest --benchhub-suite edge", "edge/suite.toml", "benchhub run edge"),
        ("", "edge/suite.toml", "benchhub run edge"),
        ("benchhub run 'cut", "edge/suite.toml", "benchhub run edge"),
        ("", "quickstart", "benchhub run own-name"),
    ],
)  # fmt: skip
def test_it_is_what_was_typed_or_the_folder_of_the_suite(command, suite, said) -> None:
    told = {"command": command} if command else {"benchhub": "0.1.0"}
    run = make_run(told, suite="own-name", request=RunRequest(suite, ("localhost",)))
    assert again(run) == said


def test_folders_that_are_left_out_are_told_to_be() -> None:
    request = RunRequest("edge/suite.toml", ("localhost",))
    whole = make_run({"command": "benchhub run edge"}, request=request)
    assert again_told(whole) == "`benchhub run edge`"
    short = make_run({"command": "benchhub run …/suites/edge"}, request=request)
    assert again_told(short) == "`benchhub run …/suites/edge` (…/ is for folders left out)"
