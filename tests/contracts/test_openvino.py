"""OpenVINO: its devices, hints and streams, what it lacks, and what its messages mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from subjects import build_tiny_model

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.backends.openvino import errors as ov_errors
from benchhub.ondevice.failed import Failed


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, native: None) -> str:
    return str(build_tiny_model(tmp_path_factory.mktemp("openvino") / "tiny"))


def load(path: str, **settings: Any) -> Any:
    return backends.find("openvino").load(path, LoadOptions(**settings))


def core() -> Any:
    import openvino

    return openvino.Core()


def devices() -> set[str]:
    return {name.split(".")[0] for name in core().available_devices}


def test_what_is_in_force_is_told(tiny: str) -> None:
    details = load(tiny, threads=1).details
    assert details["devices"] == ["CPU"]
    assert details["device_names"][0]
    assert details["performance_hint"] == "LATENCY"
    assert (details["streams"], details["threads"], details["optimal_requests"]) == (1, 1, 1)


def test_numbers_that_numpy_has_not_are_refused_not_read_as_others(
    tmp_path: Path, native: None
) -> None:
    of = (TensorProto.FLOAT, TensorProto.BFLOAT16)
    for took, gave in (of, of[::-1]):
        graph = helper.make_graph(
            [helper.make_node("Cast", ["x"], ["y"], to=gave)],
            "g",
            [helper.make_tensor_value_info("x", took, [None, 3])],
            [helper.make_tensor_value_info("y", gave, [None, 3])],
        )
        opset = helper.make_opsetid("", 17)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "m")
        with pytest.raises(Failed, match=r"[xy] is bf(loat)?16, which cannot be carried") as told:
            load(str(tmp_path / "m"))
        assert told.value.kind == "unsupported"


def test_streams_that_were_asked_for_are_in_force(tiny: str) -> None:
    details = load(tiny, threads=2, options={"streams": 2}).details
    assert details["streams_asked"] == 2
    assert 1 <= details["streams"] <= 2  # never more than there are cores


def test_calls_at_once_get_a_stream_and_threads_each(tiny: str) -> None:
    details = load(tiny, threads=1, concurrency=2).details
    assert (details["requests"], details["threads_asked"]) == (2, 2)
    assert details["streams"] == details["threads"]


def test_the_throughput_hint_is_in_force(tiny: str) -> None:
    details = load(tiny, threads=2, options={"hint": "throughput"}).details
    assert details["performance_hint"] == "THROUGHPUT"
    assert details["streams_asked"] == 0
    assert details["streams"] == details["optimal_requests"]


def test_auto_tells_the_device_it_chose(tiny: str) -> None:
    session = load(tiny, options={"device": "AUTO"})
    assert session.provider in devices()
    assert session.details["device_asked"] == "AUTO"
    assert session.precision == "f32"
    assert session.details["threads"] == 1


@pytest.mark.parametrize("device", ["GPU", "NPU"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(tiny: str, device: str) -> None:
    if device in devices():
        pytest.skip(f"there is a {device} here")
    with pytest.raises(Failed, match=f"sees .*CPU.* not {device}.*{device} needs") as raised:
        load(tiny, options={"device": device})
    assert raised.value.kind == "missing"


@pytest.mark.parametrize("precision", ["f16", "bf16"])
def test_a_precision_is_in_force_or_the_launch_fails(tiny: str, precision: str) -> None:
    """A CPU without the instructions computes in f32 and does not say so."""
    asked = {"INFERENCE_PRECISION_HINT": precision}
    compiled = core().compile_model(tiny, "CPU", asked)
    found = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if found == precision:
        assert load(tiny, precision=precision).precision == precision
        return
    with pytest.raises(Failed, match=f"{found} on this CPU .* not {precision}") as raised:
        load(tiny, precision=precision)
    assert raised.value.kind == "fallback"


def test_further_options_are_in_force_as_the_plugin_tells_them(tiny: str) -> None:
    usual = load(tiny).details
    assert usual["execution_mode"] == "PERFORMANCE"
    assert usual["scheduling_core_type"] == "ANY_CORE"
    assert usual["threads_at_once"] == 1
    asked = {"execution_mode": "accuracy", "pinning": "off", "hyper_threading": "off"}
    told = load(tiny, threads=1, concurrency=2, options=asked).details
    assert told["execution_mode"] == "ACCURACY"
    assert (told["pinning"], told["hyper_threading"]) == (False, False)
    assert told["threads_at_once"] == 2


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("scheduling_core_type", "ecore", "SCHEDULING_CORE_TYPE"),
        ("hyper_threading", "on", "ENABLE_HYPER_THREADING"),
    ],
)
def test_cores_that_are_not_there_are_not_measured_under_their_name(
    tiny: str, option: str, value: str, key: str
) -> None:
    """Of cores it has not, the plugin takes others and says so only in this property."""
    wanted = {"ecore": "ECORE_ONLY", "on": True}[value]
    compiled = core().compile_model(tiny, "CPU", {key: wanted, "INFERENCE_NUM_THREADS": 1})
    found = compiled.get_property(key)
    if getattr(found, "name", found) == wanted:
        pytest.skip(f"there are such cores here: {option} = {value}")
    with pytest.raises(Failed, match=f"took {option} = {value} as .* on this CPU") as raised:
        load(tiny, threads=1, options={option: value})
    assert raised.value.kind == "fallback"


def test_a_device_that_lacks_an_option_is_named(tiny: str) -> None:
    with pytest.raises(ValueError, match="device AUTO has no pinning; leave that option out"):
        load(tiny, options={"device": "AUTO", "pinning": "on"})


def test_negative_streams_are_refused(tiny: str) -> None:
    with pytest.raises(ValueError, match="streams"):
        load(tiny, options={"streams": -1})


def test_an_operator_without_a_conversion_is_unsupported(tmp_path: Path, native: None) -> None:
    graph = helper.make_graph(
        [helper.make_node("Frobnicate", ["x"], ["y"], domain="org.example")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)]
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))
    with pytest.raises(Failed, match=r"org\.example\.Frobnicate; export the model") as raised:
        load(str(path))
    assert raised.value.kind == "unsupported"


# The wording of src/plugins/intel_gpu/src/runtime/ocl/ocl_engine.cpp, before and after
# openvinotoolkit/openvino pull request 22332, of ocl_common.hpp (pull request 32649), and what
# pybind11 makes of std::bad_alloc.
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            RuntimeError(
                "Exception from src/plugins/intel_gpu/src/runtime/ocl/ocl_engine.cpp:134:\n[GPU]"
                " Exceeded max size of memory object allocation: requested 8589934592 bytes, but"
                " max alloc size supported by device is 4294959104 bytes."
            ),
            "8589934592 bytes (8192.0 MiB)",
        ),
        (
            RuntimeError(
                "[GPU] Exceeded max size of memory allocation: Required 4294967296 bytes, already"
                " occupied : 1024 bytes, but available memory size is 2147483648 bytes"
            ),
            "4294967296 bytes",
        ),
        (
            RuntimeError("[GPU] CL_OUT_OF_RESOURCES exception.\n\tDue to a driver bug"),
            "size not told: [GPU] CL_OUT_OF_RESOURCES exception.",
        ),
        (MemoryError("std::bad_alloc"), "size not told"),
    ],
)
def test_memory_messages(error: Exception, told: str) -> None:
    found = ov_errors.attributed(error, "GPU", "2026.4.1")
    assert isinstance(found, Failed)
    assert found.kind == "memory"
    assert told in str(found)


def test_other_errors_keep_their_own_words() -> None:
    error = RuntimeError("Exception from src/core/src/node.cpp:1: something else")
    assert ov_errors.attributed(error, "CPU", "2026.4.1") is error


def test_places_in_the_source_are_left_out_of_a_cause() -> None:
    text = (
        "Exception from src/inference/src/cpp/core.cpp:132:\n"
        'Cannot load library "libopenvino_intel_gpu_plugin.so": libOpenCL.so.1: cannot open\n'
    )
    assert ov_errors.cause(text).startswith('Cannot load library "libopenvino_intel_gpu')
