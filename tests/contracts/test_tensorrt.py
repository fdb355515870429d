"""TensorRT's real Python bindings, 10 and 11, over stub libraries; no GPU, no engine.

The stubs hold the symbols that the bindings are linked to and nothing else. That proves names:
enums, flags, methods, error codes, messages. See test_tensorrt_stand_ins.py for the rest, and mind
that only a GPU can prove that an engine computes.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from models_tensorrt import tiny_model
from stub_libraries import HERE, bindings, compiler, stub_tensorrt

BACKENDS = HERE.parents[1] / "benchhub" / "ondevice" / "backends"

pytestmark = pytest.mark.skipif(
    compiler() is None and "CI" not in os.environ, reason="no C compiler for the stubs"
)


@pytest.fixture(scope="session", params=[10, 11])
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, processes: None
) -> Any:
    """Run a script with the real bindings of one release; what it prints as JSON comes back."""
    major: int = request.param
    try:
        packages = bindings(major)
    except RuntimeError as error:
        if "CI" in os.environ:
            pytest.fail(str(error))
        pytest.skip(str(error))
    libraries = stub_tensorrt(major, tmp_path_factory.mktemp("stubs") / str(major))
    environ = {
        **os.environ,
        "LD_LIBRARY_PATH": str(libraries),
        "PYTHONPATH": os.pathsep.join([str(packages), str(BACKENDS.parents[2])]),
    }

    def run(script: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", script], env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return SimpleNamespace(major=major, run=run)


def test_flags_of_each_precision_with_stub_libraries(real: Any) -> None:
    """The branches for 10 and 11 on the true enums: every flag that is named exists."""
    found = real.run(
        """
import json, tensorrt as trt
from benchhub.ondevice.backends.tensorrt import runtime as backend
from benchhub.ondevice.backends.tensorrt.build import typing_for
told = {"version": backend.version()}
for precision in ("f32", "tf32", "f16", "bf16", "q4"):
    try:
        typing = typing_for(trt, precision)
        for name in (*typing.on, *typing.off):
            getattr(trt.BuilderFlag, name)
        for name in typing.network:
            1 << int(getattr(trt.NetworkDefinitionCreationFlag, name))
        told[precision] = [typing.network, typing.on, typing.off, typing.strong]
    except ValueError as error:
        told[precision] = str(error)
print(json.dumps(told))
"""
    )
    strong = ["STRONGLY_TYPED"] if real.major == 10 else []
    assert found["version"].startswith(f"{real.major}.")
    assert found["f32"] == [strong, [], ["TF32"], True]
    assert found["tf32"] == [strong, ["TF32"], [], True]
    assert "not q4" in found["q4"]
    if real.major == 10:
        assert found["f16"] == [[], ["FP16"], ["TF32"], False]
        assert found["bf16"] == [[], ["BF16"], ["TF32"], False]
    else:
        assert "types of the ONNX file" in found["f16"]
        assert "convert the file" in found["bf16"]


#: In these modules, what stands for which class of TensorRT.
STANDS_FOR = {
    "builder": "Builder",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "config": "IBuilderConfig",
    "profile": "IOptimizationProfile",
    "engine": "ICudaEngine",
    "_engine": "ICudaEngine",
    "context": "IExecutionContext",
    "_context": "IExecutionContext",
    "runtime": "Runtime",
    "layer": "ILayer",
    "error": "ParserError",
}


def names_used() -> dict[str, list[str]]:
    """Return what the backend takes from the module and from each class, read off its source."""
    used: dict[str, set[str]] = {"": set()}
    for file in ("build", "session", "loading", "runtime"):
        for node in ast.walk(ast.parse((BACKENDS / "tensorrt" / f"{file}.py").read_text("utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            base = node.value
            name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            if name in ("trt", "tensorrt"):
                used[""].add(node.attr)
            elif name in STANDS_FOR:
                used.setdefault(STANDS_FOR[name], set()).add(node.attr)
    return {owner: sorted(names) for owner, names in used.items()}


def test_every_name_used_exists_with_stub_libraries(real: Any) -> None:
    """What the source calls on TensorRT's classes is there in both releases."""
    used = names_used()
    assert {"Builder", "IExecutionContext", "ICudaEngine", "OnnxParser"} <= set(used)
    script = f"""
import json, tensorrt as trt
used = {used!r}
missing = []
for owner, names in used.items():
    there = getattr(trt, owner) if owner else trt
    missing += [owner + "." + name for name in names if not hasattr(there, name)]
missing += [n for n in {list(_data_types())!r} if not hasattr(trt.DataType, n)]
assert str(trt.DataType.FLOAT) == "DataType.FLOAT"
trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT, trt.MemoryPoolType.WORKSPACE
print(json.dumps(missing))
"""
    assert real.run(script) == []


def _data_types() -> set[str]:
    from benchhub.ondevice.backends.tensorrt import build as engine_build
    from benchhub.ondevice.backends.tensorrt import session as engine_session

    return {*engine_build._TYPES, *engine_session._DTYPES}


def test_messages_with_stub_libraries(real: Any) -> None:
    """The logger, the parser's error codes and a builder that cannot be made."""
    found = real.run(
        """
import json, tensorrt as trt
from types import SimpleNamespace
from benchhub.ondevice.backends.tensorrt.build import (
    EngineLog, EngineRequest, build, parse_failure)
from benchhub.ondevice.failed import Failed
log = EngineLog(trt)
for severity in ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"):
    log.logger.log(getattr(trt.ILogger.Severity, severity), severity)
told = {"kept": log.lines[:]}
log.lines[:] = ["CUDA initialization failure with error: 35"]
try:
    build(trt, "", EngineRequest("f32", 1, 0), log)
except Failed as failed:
    told["builder"] = [failed.kind, str(failed)]
def error(code):
    return SimpleNamespace(code=lambda: code, node_operator=lambda: "NonMaxSuppression",
                           node_name=lambda: "nms", desc=lambda: "no importer")
for code in (trt.ErrorCode.UNSUPPORTED_NODE, trt.ErrorCode.INVALID_GRAPH):
    failed = parse_failure([error(code)] * 5)
    told[str(code)] = [failed.kind, str(failed)]
print(json.dumps(told))
"""
    )
    assert found["kept"] == ["INTERNAL_ERROR", "ERROR", "WARNING"]
    assert found["builder"] == [
        "raised",
        "tensorrt: no Builder: CUDA initialization failure with error: 35",
    ]
    assert found["ErrorCode.UNSUPPORTED_NODE"][0] == "unsupported"
    assert found["ErrorCode.INVALID_GRAPH"][0] == "raised"
    text = found["ErrorCode.UNSUPPORTED_NODE"][1]
    assert "NonMaxSuppression (node nms): no importer" in text
    assert text.endswith("and 2 more; export the model without that")


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a driver here")
def test_no_driver_is_a_clear_reason_with_stub_libraries(real: Any, tmp_path: Path) -> None:
    """The bindings are there, a GPU is not."""
    model = tiny_model(tmp_path / "model.onnx")
    found = real.run(
        f"""
import json
from benchhub.ondevice.backends import LoadOptions, find
from benchhub.ondevice.failed import Failed
try:
    find("tensorrt").load({str(model)!r}, LoadOptions())
except Failed as failed:
    print(json.dumps([failed.kind, str(failed)]))
"""
    )
    assert found[0] == "missing"
    assert "no NVIDIA driver: libcuda.so.1" in found[1]


def test_without_the_library_the_import_says_which_is_missing() -> None:
    try:
        import tensorrt  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("TensorRT is installed here")
    from benchhub.ondevice import backends

    with pytest.raises(ImportError, match="tensorrt"):
        backends.find("tensorrt")
