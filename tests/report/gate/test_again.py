"""The command that measures again is what was typed, or names the suite as `run` takes it."""

from __future__ import annotations

import dataclasses

import pytest
from builders import make_run

from benchhub.config.limits import typed_budget, typed_limits
from benchhub.errors import ConfigError
from benchhub.model.asked import Budget
from benchhub.model.request import BenchRequest, RunRequest
from benchhub.report.gate.again import again, again_told


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


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("benchhub run edge --device pi4", "benchhub run edge --device pi4 --effort standard"),
        ("benchhub run --effort quick edge --device pi4",
         "benchhub run --effort standard edge --device pi4"),
        ("benchhub run --effort=quick edge", "benchhub run --effort standard edge"),
        ("benchhub run --effort quick …/my/edge", "benchhub run --effort standard …/my/edge"),
        ("benchhub run --resume edge", "benchhub run edge --effort standard"),
        ("pytest --benchhub-suite edge", "benchhub run edge --effort standard"),
    ],
)  # fmt: skip
def test_another_effort_takes_the_place_of_the_one_that_was_typed(command, said) -> None:
    run = make_run({"command": command}, request=RunRequest("edge/suite.toml", ("localhost",)))
    assert again(run, "standard") == said


def test_another_effort_stands_before_names_that_may_look_like_options() -> None:
    request = BenchRequest("", ("localhost",), models=("-m.onnx",))
    run = make_run({"command": "benchhub bench --threads 2 -- -m.onnx"}, request=request)
    assert again(run, "standard") == "benchhub bench --threads 2 --effort standard -- -m.onnx"


def test_what_was_chosen_stands_in_a_command_that_nobody_typed() -> None:
    devices = ("device_profiles/pi4.lab.toml", "device_profiles/pi5.toml")
    request = RunRequest(
        "edge/suite.toml", devices, ("onnxruntime",), ("my int8",), "quick",
        scenarios=("latency",), limits=typed_limits(["model_bytes=10"]),
    )  # fmt: skip
    rest = "--backend onnxruntime --variant 'my int8' --scenario latency --effort"
    limit = "--budget model_bytes=10"
    run = make_run({}, request=request)
    assert again(run) == f"benchhub run edge --device pi4.lab --device pi5 {rest} quick {limit}"
    asked = dataclasses.replace(request, asked=("label=site:lab",), exclude=("pi4",), at_most=1)
    told = again(make_run({}, request=asked), "standard")
    chosen = "--device label=site:lab --exclude pi4 --at-most 1"
    assert told == f"benchhub run edge {chosen} {rest} standard {limit}"


def test_folders_that_are_left_out_are_told_to_be() -> None:
    request = RunRequest("edge/suite.toml", ("localhost",))
    whole = make_run({"command": "benchhub run edge"}, request=request)
    assert again_told(whole) == "`benchhub run edge`"
    short = make_run({"command": "benchhub run …/suites/edge"}, request=request)
    assert again_told(short) == "`benchhub run …/suites/edge` (…/ is for folders left out)"


def test_limits_that_were_typed_are_typed_again() -> None:
    typed = ["model_bytes=10", "quality_loss_max=0.02", "quality_loss_relative=True",
             "quality_min_cases=1000"]  # fmt: skip
    request = RunRequest("edge", ("localhost",), limits=typed_limits(typed))
    said = again(make_run({}, suite="edge", request=request))
    assert said == "benchhub run edge " + " ".join(f"--budget {one}" for one in typed).lower()
    options = said.split("--budget ")[1:]
    assert typed_budget(typed_limits([one.strip() for one in options])) == Budget(
        "budget",
        limits={"model_bytes": 10, "quality_loss_max": 0.02},
        quality_loss_relative=True,
        quality_min_cases=1000,
    )


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["quality_min_cases=1000"], "is no limit: .* how quality_loss_max is judged; give that"),
        (["quality_loss_relative=true", "model_bytes=1"], "quality_loss_relative is no limit"),
        (["paced_min_rate_per_s=30", "latency_p95_ms=1"], "how paced_p50_ms or paced_p90_ms is"),
        (["quality_loss_max=1", "quality_loss_relative=yes"], "=yes: should be true or false"),
        (["quality_loss_max=1", "quality_min_case=2"], r"did you mean quality_min_cases\?"),
        (["quality_loss_max=1", "quality_min_cases=1.5"], r"quality_min_cases = 1\.5"),
    ],
)
def test_what_qualifies_a_limit_goes_with_one(typed: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        typed_budget(typed_limits(typed))
