"""Backends as the controller knows them: by their descriptions."""

from __future__ import annotations

import io
import re
import zipfile
from typing import get_args

import pytest

from benchhub.backends import described, every, gpu_words, names
from benchhub.config.schema import Precision
from benchhub.device.runner import build_runner
from benchhub.errors import ConfigError
from benchhub.ondevice import backends
from benchhub.ondevice.description import PRECISIONS, check


def test_whatever_lies_in_the_folder_is_a_backend() -> None:
    own = backends.own_names()
    assert own == ["faulty", "null", "onnxruntime", "openvino", "tensorrt", "tflite", "torch"]
    assert set(own) <= set(names())
    for name in own:
        check(described(name), name)
        assert described(name).registered_by == ""
    assert not {one.name for one in every()[0]} ^ (set(names()) - set(every()[1]))


def test_a_suite_can_ask_for_what_descriptions_can_offer() -> None:
    assert get_args(Precision) == PRECISIONS


def test_an_unknown_backend_is_one_line_and_no_hint_names_one_of_the_tests() -> None:
    with pytest.raises(ConfigError, match=r"^backend onnxrt is unknown; did you mean onnxruntime"):
        described("onnxrt")
    with pytest.raises(ConfigError) as raised:
        described("faulti")
    assert described("faulty").for_tests
    assert not re.search(r"\bfaulty\b", str(raised.value))


@pytest.mark.parametrize("name", ["onnxruntime.runtime", "description", "..null", "", "null.x"])
def test_what_is_no_name_of_a_backend_is_none(name: str) -> None:
    with pytest.raises(KeyError):
        backends.find(name)


def test_who_computes_on_a_gpu_is_told_by_its_description() -> None:
    assert gpu_words("onnxruntime") == ("cuda", "tensorrt")
    assert gpu_words("openvino") == ("gpu",)
    assert gpu_words("tflite") == gpu_words("null") == ()
    assert set(gpu_words("of somebody else")) == {"cuda", "gpu", "tensorrt"}


def test_devices_get_descriptions_and_no_locks() -> None:
    sent = zipfile.ZipFile(io.BytesIO(build_runner().data)).namelist()
    assert "benchhub/ondevice/backends/torch/__init__.py" in sent
    assert "benchhub/ondevice/third_parties.py" in sent
    assert {name.rpartition(".")[2] for name in sent} == {"py"}
