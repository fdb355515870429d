"""A hand-written fake of TensorRT's Python module: an "engine" is an ONNX file and its profile.

It computes with onnxruntime on addresses in host memory, so it goes with stub_cuda.c. It shows
that benchhub calls in the right order with the right arguments, as far as its author read the
documentation; TensorRT's own behaviour it cannot show.
"""

from __future__ import annotations

import ctypes
import enum
import json
import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime


class BuilderFlag(enum.IntEnum):
    """The flags of TensorRT 10 that matter here."""

    FP16 = 0
    TF32 = 1
    BF16 = 2


class StrongBuilderFlag(enum.IntEnum):
    """The flags of TensorRT 11 that matter here."""

    TF32 = 1


class NetworkDefinitionCreationFlag(enum.IntEnum):
    """Of TensorRT 10 and 11."""

    STRONGLY_TYPED = 1


class DataType(enum.Enum):
    """By the names of ONNX's types."""

    FLOAT = 1
    HALF = 10
    INT8 = 3

    def __str__(self) -> str:
        return f"DataType.{self.name}"


class TensorIOMode(enum.Enum):
    """Input or output."""

    INPUT = 1
    OUTPUT = 2


class ILogger:
    """Receives what is said."""

    class Severity(enum.IntEnum):
        """As in TensorRT."""

        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3


def _tensor(value: Any) -> SimpleNamespace:
    kind = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    return SimpleNamespace(name=value.name, shape=shape, dtype=DataType(kind.elem_type))


class Network:
    """Holds what the parser read."""

    def __init__(self, flags: int) -> None:
        self.flags, self.model = flags, onnx.ModelProto()

    @property
    def num_inputs(self) -> int:
        return len(self.model.graph.input)

    def get_input(self, index: int) -> SimpleNamespace:
        return _tensor(self.model.graph.input[index])

    @property
    def num_layers(self) -> int:
        return len(self.model.graph.output)  # one for each output will do

    def get_layer(self, index: int) -> SimpleNamespace:
        tensor = _tensor(self.model.graph.output[index])
        return SimpleNamespace(num_outputs=1, get_output=lambda _: tensor)


class Config:
    """Collects what is set."""

    def __init__(self) -> None:
        self.flags: set[str] = {"TF32"}  # TensorRT's default
        self.profile: Profile | None = None
        self.workspace = 0

    def set_flag(self, flag: enum.IntEnum) -> None:
        self.flags.add(flag.name)

    def clear_flag(self, flag: enum.IntEnum) -> None:
        self.flags.discard(flag.name)

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        assert pool == "workspace"
        self.workspace = size

    def add_optimization_profile(self, profile: Profile) -> None:
        self.profile = profile


class Profile:
    """Fixed shapes of open inputs."""

    def __init__(self) -> None:
        self.shapes: dict[str, list[int]] = {}

    def set_shape(self, name: str, low: Any, best: Any, high: Any) -> None:
        assert tuple(low) == tuple(best) == tuple(high)
        self.shapes[name] = list(best)


class Context:
    """Runs on addresses."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.shapes, self.addresses = plan, {}, {}
        self.session = onnxruntime.InferenceSession(
            bytes.fromhex(plan["onnx"]), providers=["CPUExecutionProvider"]
        )

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        return list(shape) == self.plan["profile"].get(name, list(shape))

    def get_tensor_shape(self, name: str) -> list[int]:
        batch = next(iter(self.shapes.values()))[0]
        shape = next(one.shape for one in self.session.get_outputs() if one.name == name)
        return [size if isinstance(size, int) else batch for size in shape]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream
        feeds = {name: _view(self.addresses[name], shape) for name, shape in self.shapes.items()}
        names = [one.name for one in self.session.get_outputs()]
        for name, array in zip(names, self.session.run(names, feeds), strict=True):
            _view(self.addresses[name], array.shape)[...] = array
        return True


def _view(address: int, shape: Any) -> Any:
    memory = (ctypes.c_byte * (4 * int(np.prod(shape)))).from_address(address)
    return np.frombuffer(memory, np.float32).reshape(shape)


class Engine:
    """What a plan holds."""

    device_memory_size_v2 = 4096

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        graph = onnx.load_model_from_string(bytes.fromhex(plan["onnx"])).graph
        self.tensors = {
            one.name: (mode, _tensor(one))
            for mode, side in (
                (TensorIOMode.INPUT, graph.input),
                (TensorIOMode.OUTPUT, graph.output),
            )
            for one in side
        }
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return self.tensors[name][0]

    def get_tensor_dtype(self, name: str) -> DataType:
        return self.tensors[name][1].dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name][1].shape

    def create_execution_context(self) -> Context | None:
        return Context(self.plan)


class Builder:
    """Writes plans, or logs what `fake.says` and gives none."""

    def __init__(self, fake: FakeTensorRT, logger: Any) -> None:
        self.fake, self.logger = fake, logger

    def create_network(self, flags: int) -> Network:
        return Network(flags)

    def create_builder_config(self) -> Config:
        return Config()

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        if self.fake.says is not None:
            self.logger.log(ILogger.Severity.ERROR, self.fake.says)
            return None
        self.fake.built += 1
        plan = {
            "onnx": network.model.SerializeToString().hex(),
            "profile": config.profile.shapes if config.profile else {},
            "flags": sorted(config.flags),
            "network": network.flags,
            "workspace": config.workspace,
        }
        return json.dumps(plan).encode()


class OnnxParser:
    """Reads an ONNX file; knows every operator but Einsum."""

    def __init__(self, network: Network, logger: Any) -> None:
        self.network, self.num_errors = network, 0

    def parse(self, blob: bytes, path: str) -> bool:
        self.network.model = onnx.load_model_from_string(blob)
        onnx.external_data_helper.load_external_data_for_model(
            self.network.model, os.path.dirname(path)
        )
        self.num_errors = sum(n.op_type == "Einsum" for n in self.network.model.graph.node)
        return not self.num_errors

    def get_error(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(
            code=lambda: "ErrorCode.UNSUPPORTED_NODE",
            node_operator=lambda: "Einsum",
            node_name=lambda: "product",
            desc=lambda: "no importer for it",
        )


class Runtime:
    """Takes plans that are JSON."""

    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, blob: bytes) -> Engine | None:
        try:
            return Engine(json.loads(blob))
        except ValueError:
            self.logger.log(ILogger.Severity.ERROR, "version tag does not match")
            return None


class FakeTensorRT:
    """The module, of TensorRT 10 or 11; `says` is logged instead of building an engine."""

    ILogger, DataType, TensorIOMode = ILogger, DataType, TensorIOMode
    NetworkDefinitionCreationFlag = NetworkDefinitionCreationFlag
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    OnnxParser, Runtime = OnnxParser, Runtime

    def __init__(self, version: str = "10.0.0", says: str | None = None) -> None:
        self.__version__, self.says = version, says
        self.BuilderFlag = StrongBuilderFlag if version.startswith("11") else BuilderFlag
        self.built = 0

    def init_libnvinfer_plugins(self, logger: Any, namespace: str) -> bool:
        return namespace == ""

    def Builder(self, logger: Any) -> Builder:  # noqa: N802 - TensorRT's name
        return Builder(self, logger)
