"""Model files found by their content, and put in place of what a suite makes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import onnx
import pytest
from project import make_project, write_model

from benchhub.compress.files.look import inspect_model
from benchhub.config.request import located, resolve
from benchhub.errors import ConfigError
from benchhub.model.request import RunRequest
from benchhub.run import given_models
from benchhub.run.given_models import WantedModel, find_models, with_given
from benchhub.store.stored.request import read_request, write_request


def wanted(path: Path) -> WantedModel:
    """A model of one file."""
    blob = path.read_bytes()
    sha256 = hashlib.sha256(blob).hexdigest()
    return WantedModel(sha256, sha256, len(blob))


def test_a_model_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    model = write_model(tmp_path / "a" / "b" / "whatever.bin")
    write_model(tmp_path / "a" / "like.onnx", seed=2)  # as large, and another
    one, other = wanted(model), WantedModel("0" * 64, "0" * 64, 10**9)
    assert find_models([tmp_path], [one, other]) == {one.sha256: model}
    assert find_models([], [one]) == {}


def test_files_that_cannot_be_read_are_not_found(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.onnx")
    one = wanted(model)
    model.unlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "up").symlink_to(tmp_path)
    assert find_models([tmp_path], [one]) == {}


def test_a_model_of_several_files_is_found_with_all_of_them(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "whole.onnx", hidden=64)
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        onnx.save(
            onnx.load(whole), str(tmp_path / name / "m.onnx"), save_as_external_data=True,
            location="m.data", size_threshold=16,
        )  # fmt: skip
    told = inspect_model("m", tmp_path / "good" / "m.onnx")
    main = told.files[0]
    one = WantedModel(told.sha256, main.sha256, main.size_bytes)
    data = tmp_path / "bad" / "m.data"
    data.write_bytes(bytes(data.stat().st_size))
    assert find_models([tmp_path / "bad"], [one]) == {}
    assert find_models([tmp_path], [one]) == {told.sha256: tmp_path / "good" / "m.onnx"}


def test_folders_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        find_models([tmp_path / "gone"], [])
    monkeypatch.setattr(given_models, "MOST_FILES", 2)
    for number in range(3):
        (tmp_path / str(number)).touch()
    with pytest.raises(ConfigError, match="more than 2 files"):
        find_models([tmp_path], [])


def test_a_given_file_takes_the_place_of_a_recipe(tmp_path: Path) -> None:
    make_project(tmp_path)
    given = {"int8": str(write_model(tmp_path / "int8.onnx"))}
    request = located(RunRequest("tiny", ("here",), given=given), tmp_path)
    suite = with_given(resolve(request)).suite
    spec = next(one for one in suite.variants if one.name == "int8")
    assert (str(spec.model), spec.recipe, spec.source, spec.approximates) == (
        given["int8"], None, "fp32", True
    )  # fmt: skip
    assert read_request(write_request(request)) == request
    odd = dataclasses.replace(request, given={"none": "x"})
    with pytest.raises(ConfigError, match="no variant none"):
        with_given(resolve(odd))
