"""ONNX Runtime: its providers, what it lacks, and what its messages and its log mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from subjects import build_tiny_model, images

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.backends.onnxruntime import errors as ort_errors
from benchhub.ondevice.backends.onnxruntime import log as ort_log
from benchhub.ondevice.backends.onnxruntime import providers as ort_providers
from benchhub.ondevice.failed import Failed

ORT = backends.find("onnxruntime")
ABSENT = [
    name
    for name, provider in ort_providers.NAMES.items()
    if provider not in onnxruntime.get_available_providers()
]
#: In every CPU build; it takes only operators of its own, so an ordinary model falls back whole.
TAKES_NOTHING = "AzureExecutionProvider"


def settings() -> Any:
    chosen = onnxruntime.SessionOptions()
    chosen.log_severity_level = 4
    return chosen


def one_node_model(path: Path, operator: str, type_: int, **where: Any) -> str:
    """Write a model of one node from x (2) to y."""
    initializers = where.pop("initializers", [])
    names = ["x", *(initializer.name for initializer in initializers)]
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], name="odd", **where)],
        "one",
        [helper.make_tensor_value_info("x", type_, [1])],
        [helper.make_tensor_value_info("y", type_, None)],
        initializers,
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))
    return str(path)


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    return str(build_tiny_model(tmp_path / "tiny.onnx"))


def test_nodes_of_each_provider_are_told(tiny: str) -> None:
    session = ORT.load(tiny, LoadOptions())
    assert session.provider == "CPUExecutionProvider"
    assert session.details["nodes"] == {"CPUExecutionProvider": 4}


def test_what_the_session_was_told_is_in_force(tiny: str) -> None:
    usual = ORT.load(tiny, LoadOptions(threads=2)).details
    assert (usual["optimization_level"], usual["execution_mode"]) == ("all", "sequential")
    assert (usual["intra_op_threads"], usual["inter_op_threads"]) == (2, 1)
    assert (usual["spinning"], usual["arena"]) == ("default", True)
    asked = {
        "graph_optimization_level": "basic", "execution_mode": "parallel", "inter_op_threads": 3,
        "allow_spinning": False, "arena": False,
    }  # fmt: skip
    told = ORT.load(tiny, LoadOptions(threads=2, concurrency=2, options=asked)).details
    assert (told["optimization_level"], told["execution_mode"]) == ("basic", "parallel")
    assert (told["intra_op_threads"], told["inter_op_threads"]) == (2, 3)
    assert (told["spinning"], told["arena"]) == ("off", False)
    assert told["threads_at_once"] == 2 + 1 + 2  # a pool, one more caller, two more branches


@pytest.mark.parametrize("level", ["disable", "basic", "extended", "all"])
def test_a_graph_is_rewritten_as_far_as_was_asked(tmp_path: Path, level: str) -> None:
    """An Identity in the middle goes from `basic` on; the file written beside shows it."""
    nodes = [("Relu", "x", "a"), ("Identity", "a", "b"), ("Neg", "b", "y")]
    graph = helper.make_graph(
        [helper.make_node(kind, [one], [other]) for kind, one, other in nodes],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    imports = [helper.make_opsetid("", 17)]
    path = str(tmp_path / "chain.onnx")
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    asked = LoadOptions(scenario="profile", options={"graph_optimization_level": level})
    session = ORT.load(path, asked)
    call = session.bind({"x": np.ones(2, np.float32)})
    found = session.profile(call, 3)
    assert found is not None
    assert ("Identity" in found.operators_ns) == (level == "disable")


def test_an_option_that_changes_nothing_is_refused(tiny: str) -> None:
    with pytest.raises(ValueError, match="inter_op_threads changes nothing without execution_mode"):
        ORT.load(tiny, LoadOptions(options={"inter_op_threads": 2}))


@pytest.mark.parametrize("name", ["device_id", "inter_op_threads"])
def test_numbers_below_the_least_are_refused(tiny: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"option {name} should be . or more, not -1"):
        ORT.load(tiny, LoadOptions(options={"execution_mode": "parallel", name: -1}))


@pytest.mark.parametrize("name", ABSENT)
def test_a_provider_that_the_build_lacks_is_named_with_its_source(tiny: str, name: str) -> None:
    with pytest.raises(Failed, match=ort_providers.NAMES[name]) as raised:
        ORT.load(tiny, LoadOptions(options={"provider": name}))
    assert raised.value.kind == "missing"
    text = str(raised.value)
    assert onnxruntime.__version__ in text
    assert "CPUExecutionProvider" in text
    assert "install onnxruntime-" in text or "--use_" in text


def test_cpu_builds_lack_an_accelerator() -> None:
    assert set(ABSENT) >= {"acl", "xnnpack"}  # else the test above would have no case


@pytest.mark.parametrize("records", [True, False], ids=["asked", "from-log"])
def test_a_provider_that_takes_no_node_is_a_fallback(tiny: str, records: bool) -> None:
    """Where a session cannot be asked, as before 1.24, its log tells the same."""
    assert TAKES_NOTHING in onnxruntime.get_available_providers()
    with pytest.raises(Failed, match=r"none of the model's nodes.*CPUExecutionProvider") as raised:
        ort_providers.opened(tiny, settings, [(TAKES_NOTHING, {})], records=records)
    assert raised.value.kind == "fallback"


def test_without_a_strict_mode_too_a_provider_without_nodes_is_a_fallback(tiny: str) -> None:
    """Releases before 1.16 take its option, as they take any, and run all on the CPU."""
    with pytest.raises(Failed, match=r"none of the model's nodes.*CPUExecutionProvider") as raised:
        ort_providers.opened(tiny, settings, [(TAKES_NOTHING, {})], records=False, strict=False)
    assert raised.value.kind == "fallback"


def test_a_log_that_names_no_nodes_proves_no_provider(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort_log, "logged", lambda make, raised: "in words of another release")
    with pytest.raises(Failed, match=f"does not tell which nodes {TAKES_NOTHING}") as raised:
        ort_providers.opened(tiny, settings, [(TAKES_NOTHING, {})], records=False, strict=False)
    assert raised.value.kind == "fallback"


@pytest.mark.parametrize("records", [True, False], ids=["asked", "from-log"])
def test_a_provider_that_is_dropped_silently_is_a_fallback(tiny: str, records: bool) -> None:
    """ONNX Runtime only warns of a provider it does not have, and runs the model on the CPU."""
    told: list[tuple[str, dict[str, str]]] = [("CUDAExecutionProvider", {})]
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(Failed, match="CUDAExecutionProvider") as raised,
    ):
        ort_providers.opened(tiny, settings, told, records=records)
    assert raised.value.kind == "fallback"


def test_failing_runs_are_not_repeated_on_the_cpu(tiny: str) -> None:
    opened = ort_providers.opened(tiny, settings, [(ort_providers.CPU, {})])
    assert opened.session._enable_fallback is False


@pytest.mark.parametrize(("precision", "tf32"), [("f32", "0"), ("tf32", "1")])
def test_cuda_is_told_whether_tf32_is_wanted(precision: str, tf32: str) -> None:
    options = LoadOptions(precision=precision)
    assert ort_providers.configured("cuda", 1, options) == [
        ("CUDAExecutionProvider", {"device_id": "1", "use_tf32": tf32})
    ]


def test_tf32_is_refused_where_there_are_no_tensor_cores(tiny: str) -> None:
    with pytest.raises(ValueError, match=r"onnxruntime on cpu .* not tf32"):
        ORT.load(tiny, LoadOptions(precision="tf32"))


def test_a_negative_device_is_refused(tiny: str) -> None:
    with pytest.raises(ValueError, match="device_id"):
        ORT.load(tiny, LoadOptions(options={"device_id": -1}))


def test_an_operator_nobody_registered_is_unsupported(tmp_path: Path) -> None:
    path = one_node_model(tmp_path / "m", "Frobnicate", TensorProto.FLOAT, domain="org.example")
    with pytest.raises(Failed, match=r"org\.example:Frobnicate.*; export the model") as raised:
        ORT.load(path, LoadOptions())
    assert raised.value.kind == "unsupported"


def test_an_operator_without_a_kernel_for_the_type_is_unsupported(tmp_path: Path) -> None:
    path = one_node_model(tmp_path / "m", "Relu", TensorProto.BFLOAT16)
    with pytest.raises(Failed, match=r"Relu\(14\) node with name 'odd'") as raised:
        ORT.load(path, LoadOptions())
    assert raised.value.kind == "unsupported"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"opset": 99},
            r"reads opsets of ai\.onnx up to \d+, and the model is of 99; export it for",
        ),
        ({"ir_version": 99}, r"reads IR versions up to \d+, and the model is of 99; save it with"),
        (
            {"operator": "Nix"},
            "no operator Nix with domain_version of 17; export the model without",
        ),
    ],
    ids=["opset", "format", "operator"],
)
def test_what_is_newer_than_the_runtime_is_told_with_what_it_reads(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    opset, ir_version = changes.get("opset", 17), changes.get("ir_version", 8)
    path = one_node_model(tmp_path / "m", changes.get("operator", "Relu"), TensorProto.FLOAT)
    model = onnx.load(path)
    model.opset_import[0].version, model.ir_version = opset, ir_version
    onnx.save(model, path)
    with pytest.raises(Failed, match=told) as raised:
        ORT.load(path, LoadOptions())
    assert raised.value.kind == "unsupported"
    assert str(raised.value).startswith("onnxruntime ")


def test_memory_that_runs_out_in_a_call_is_told_with_its_size(tmp_path: Path) -> None:
    """2^46 floats fit nowhere; the allocator that says so is the one CUDA's provider uses too."""
    size = numpy_helper.from_array(np.array([1 << 20, 1 << 20, 64], np.int64), "size")
    path = one_node_model(tmp_path / "m", "Expand", TensorProto.FLOAT, initializers=[size])
    call = ORT.load(path, LoadOptions()).bind({"x": np.ones(1, np.float32)})
    with pytest.raises(Failed, match="281474976710656 bytes") as raised:
        call()
    assert raised.value.kind == "memory"


# From microsoft/onnxruntime issues 16307, 20038 (both of the CUDA provider), 23121 (an arena
# with a limit), hacksider/Deep-Live-Cam issue 584 and microsoft/onnxruntime issue 10770.
@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Non-zero status code returned while running ReduceSum node. onnxruntime::BFCArena::"
            "AllocateRawInternal Failed to allocate memory for requested buffer of size 939524096",
            "939524096 bytes (896.0 MiB)",
        ),
        (
            "Non-zero status code returned while running Mul node. Name:'Mul_8702' Status Message:"
            " /workspace/onnxruntime/onnxruntime/core/framework/bfc_arena.cc:368 void* onnxruntime"
            "::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*, bool, onnxruntime"
            "::WaitNotificationFn) Failed to allocate memory for requested buffer of size"
            " 2830172160",
            "2830172160 bytes",
        ),
        (
            "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while"
            " running TfIdfVectorizer node. Name:'TfIdfVectorizer' Status Message: bfc_arena.cc:376"
            " Available memory of 0 is smaller than requested bytes of 2048",
            "2048 bytes",
        ),
        (
            "[ONNXRuntimeError] : 1 : FAIL : cuda_call.cc:121 onnxruntime::CudaCall CUDA failure 2:"
            " out of memory ; GPU=0 ; file=cuda_stream_handle.cc ; line=175 ;"
            " expr=cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);",
            "size not told: cuda_call.cc:121",
        ),
        (
            "../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)",
            "size not told",
        ),
    ],
)
def test_memory_messages(message: str, told: str) -> None:
    found = ort_errors.attributed(RuntimeError(message), "CUDAExecutionProvider", "1.31.1")
    assert isinstance(found, Failed)
    assert found.kind == "memory"
    assert told in str(found)


def test_other_errors_keep_their_own_words() -> None:
    error = RuntimeError("CUDA failure 700: an illegal memory access was encountered")
    assert ort_errors.attributed(error, "CUDAExecutionProvider", "1.31.1") is error


def test_the_verbose_log_of_this_version_tells_where_nodes_went(tiny: str) -> None:
    def make() -> None:
        chosen = settings()
        chosen.log_severity_level = 0
        onnxruntime.InferenceSession(tiny, chosen, providers=["CPUExecutionProvider"])

    placed = ort_log.placed_nodes(ort_log.logged(make, ()))
    assert list(placed) == ["CPUExecutionProvider"]
    assert (placed["CPUExecutionProvider"] or 0) > 0


def test_nodes_on_several_providers_are_counted_apart() -> None:
    """The lines of VerifyEachNodeIsAssignedToAnEp in session_state.cc, as 1.21 writes them."""
    start = "2026-11-21 06:29:50.99 [V:onnxruntime:, session_state.cc:1246 VerifyEach]  "
    log = (
        f"{start}Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 15\n"
        f"{start}Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3\n"
        f"{start}All nodes placed on [CUDAExecutionProvider]. Number of nodes: 2\n"
    )
    assert ort_log.placed_nodes(log) == {"CUDAExecutionProvider": 17, "CPUExecutionProvider": 3}


# Written by onnxruntime-gpu 1.31.1 where CUDA's libraries are not installed, and by
# onnxruntime-openvino 1.24.1 where there is no GPU.
@pytest.mark.parametrize(
    ("log", "why"),
    [
        (
            "[E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] /onnxruntime_src/"
            "onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& "
            "onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load "
            "library /venv/onnxruntime/capi/libonnxruntime_providers_cuda.so with error: "
            "libcublasLt.so.13: cannot open shared object file: No such file or directory\n",
            "libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared "
            "object file: No such file or directory",
        ),
        (
            "[E:onnxruntime:Default, provider_bridge_ort.cc:2310 Create] openvino_provider_factory"
            ".cc:141 std::string onnxruntime::openvino_ep::ParseDeviceType() [ERROR] [OpenVINO] "
            "Device GPU is not available\n[W:onnxruntime:Default] Failed to create "
            "OpenVINOExecutionProvider. Please refer to the requirements\n",
            "[OpenVINO] Device GPU is not available",
        ),
        ("nothing of the kind", None),
    ],
)
def test_cause_of_a_provider_that_cannot_be_set_up(log: str, why: str | None) -> None:
    assert ort_log.cause(log) == why


def test_what_is_logged_is_caught_and_what_follows_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert ort_log.logged(lambda: os.write(2, b"a word\n"), ()) == "a word\n"
    os.write(2, b"another\n")
    assert capfd.readouterr().err == "another\n"


def test_an_error_is_part_of_what_is_logged() -> None:
    def make() -> None:
        raise RuntimeError("[OpenVINO] Specified device - GPU is not available")

    log = ort_log.logged(make, ort_providers.SETUP_ERRORS)
    assert ort_log.cause(log) == "[OpenVINO] Specified device - GPU is not available"


def test_callers_of_one_session_are_told(tiny: str) -> None:
    session = ORT.load(tiny, LoadOptions(concurrency=2))
    assert "2 callers" in session.details["concurrency"]
    assert session.bind(images(2))()[0].shape == (2, 5)


@pytest.mark.parametrize(
    ("told", "asked", "in_force"),
    [
        ({"use_tf32": "1"}, "tf32", "tf32"),
        ({"use_tf32": "0"}, "tf32", "f32"),
        ({"device_id": "0"}, "tf32", "tf32"),  # before 1.18, where only the environment forbids it
        ({"device_id": "0"}, "f32", "f32"),
    ],
)
def test_tf32_is_told_by_releases_without_the_option_too(
    told: dict[str, str], asked: str, in_force: str
) -> None:
    opened = ort_providers.OpenedSession(None, {"CUDAExecutionProvider": told}, {}, {}, "")
    assert ORT._precision(opened, "cuda", asked) == in_force


def test_placements_as_releases_before_1_13_log_them() -> None:
    at = "[V:onnxruntime:, inference_session.cc:673 TransformGraph] "
    one = at + "Node placements\n" + at + "All nodes have been placed on [CPUExecutionProvider].\n"
    assert ort_log.placed_nodes(one) == {"CPUExecutionProvider": None}
    two = (
        at + " Provider: [CUDAExecutionProvider]: [Conv (Conv_0), Relu (Relu_1), ]\n"
        + at + " Provider: [CPUExecutionProvider]: [Gather (Gather_2), ]\n"
    )  # fmt: skip
    assert ort_log.placed_nodes(two) == {"CUDAExecutionProvider": 2, "CPUExecutionProvider": 1}


def test_a_type_that_no_array_has_is_told_before_anything_is_called(tmp_path: Path) -> None:
    path = one_node_model(tmp_path / "m.onnx", "Cast", TensorProto.FLOAT, to=TensorProto.BFLOAT16)
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.BFLOAT16
    onnx.save(model, path)
    with pytest.raises(Failed, match=r"^onnxruntime .*: y is tensor\(bfloat16\).*; export") as told:
        ORT.load(path, LoadOptions(format="onnx"))
    assert told.value.kind == "unsupported"
