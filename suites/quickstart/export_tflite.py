"""Write the quickstart's classifier as TensorFlow Lite: fp32, fp16, dynamic range and full int8.

The weights are those of chest_xray.onnx, so nothing is trained. Run in the checkout, in an
environment with the `export` extra, which is large and not what people work in:

    tox -e export

The batch axis of every file is open. The converter fixes it wherever a reshape has a constant
shape, so it is opened in the finished file, and the file is then run at several batches against
the ONNX model. The same versions on the same machine give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import litert_torch
import numpy as np
import onnx
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe, recipe_manager
from ai_edge_quantizer.utils import qsv_utils
from onnx.numpy_helper import to_array
from onnxruntime import InferenceSession
from torch import nn

from benchhub.cli.project import cache
from benchhub.tasks.chest_xray.dataset import open_dataset

HERE = Path(__file__).parent
#: The data of suite.toml; only its training patients, in order, are used to calibrate.
DATA = {"seed": 14, "size": 64, "train_patients": 60, "test_patients": 300}
CALIBRATION_CASES = 64
#: Batches at which a written file is run, and how far fp32 may be from ONNX there.
BATCHES, MOST_DIFFERENCE = (1, 3, 8), 1e-4
LIBRARIES = ("litert-torch", "ai-edge-quantizer", "ai-edge-litert", "torch", "numpy")

Case = Mapping[str, np.ndarray]
Recipe = list[dict[str, Any]]


class Named(nn.Module):
    """A network under the names that its input and output have in the ONNX file."""

    def __init__(self, net: nn.Module, output: str) -> None:
        super().__init__()
        self.net, self.output = net, output

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the one output by its name."""
        return {self.output: self.net(image)}


def convert(net: nn.Module, output: str, shape: tuple[int, ...]) -> bytes:
    """Return `net` as a float32 TFLite file of batch 1; `shape` is that of one case."""
    named = Named(net, output).eval()
    model = litert_torch.convert(named, sample_kwargs={"image": torch.zeros(1, *shape)})
    return bytes(model.model_content())


def float16_recipe() -> Recipe:
    """Return: weights as float16, cast back where they are used."""
    manager = recipe_manager.RecipeManager()
    manager.add_quantization_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=16, dtype=qtyping.TensorDataType.FLOAT
            ),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key="float_casting",
    )
    return list(manager.get_quantization_recipe())


def dynamic_recipe() -> Recipe:
    """Return: int8 weights, activations quantized at each call.

    Weights have a scale a channel, but those of fully connected layers one a tensor:
    tflite-runtime 2.14 takes the first channel's scale for all of them and says nothing.
    """
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    manager.add_dynamic_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.FULLY_CONNECTED,
        num_bits=8,
        granularity=qtyping.QuantGranularity.TENSORWISE,
    )
    return list(manager.get_quantization_recipe())


#: How a file can be quantized, by the last part of its name; and those that the suite ships.
RECIPES: dict[str, Callable[[], Recipe]] = {
    "fp16": float16_recipe,
    "int8-dynamic": dynamic_recipe,
    "int8-dynamic-channels": recipe.dynamic_wi8_afp32,
    "int8": recipe.static_wi8_ai8,
}
SHIPPED = ("fp16", "int8-dynamic", "int8")


def quantize(model: bytes, name: str, cases: Iterable[Case]) -> bytes:
    """Return a file of batch 1 quantized by RECIPES[name]; `cases` calibrate if it must be."""
    work, ranges = quantizer.Quantizer(bytearray(model), RECIPES[name]()), None
    if work.need_calibration:
        # Whole ranges: the quantizer's own moving average forgets all but the last cases.
        watched = calibrator.Calibrator(
            model, num_threads=1, qsv_update_func=qsv_utils.min_max_update
        )
        manager = recipe_manager.RecipeManager()
        manager.load_quantization_recipe(RECIPES[name]())
        watched.calibrate({"serving_default": list(cases)}, manager)
        ranges = watched.get_model_qsvs()
    return bytes(work.quantize(ranges).quantized_model)


def open_batch(model: bytes) -> bytes:
    """Return a file of batch 1 with an open batch axis.

    Everything computed from the input has the batch on its first axis: it is declared open there,
    and a reshape that names the batch of 1 gets -1 instead. ValueError for a reshape that moves
    the batch elsewhere.
    """
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    tree.buffers = [Aligned(_content(model, buffer)) for buffer in tree.buffers]
    (graph,) = tree.subgraphs
    computed = set(graph.inputs)
    for operator in graph.operators:
        if computed.isdisjoint(operator.inputs):
            continue  # a constant that is cast
        computed.update(operator.outputs)
        if tree.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.RESHAPE:
            _open_reshape(tree, graph.tensors[operator.inputs[1]], operator.builtinOptions)
    for index in computed:
        tensor = graph.tensors[index]
        if tensor.shape[0] != 1:
            raise ValueError(f"{tensor.name!r} has no batch of 1 on its first axis")
        tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class Aligned(schema.BufferT):
    """A buffer whose content begins at a multiple of 16 bytes, as kernels want it."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - the schema's name
        """Write the buffer."""
        if self.data is not None:
            builder.Prep(16, len(self.data))
        return super().Pack(builder)


def _content(model: bytes, buffer: Any) -> np.ndarray | None:
    """Return a buffer's bytes, also where the quantizer put them behind the flatbuffer."""
    if buffer.offset > 1:
        return np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
    return buffer.data if isinstance(buffer.data, np.ndarray) else None


def _open_reshape(tree: Any, constant: Any, options: Any) -> None:
    sizes = tree.buffers[constant.buffer].data.view(np.int32).copy()
    if sizes[0] not in (1, -1):
        raise ValueError(f"a reshape to {sizes.tolist()} does not begin with the batch")
    sizes[0] = -1
    tree.buffers.append(Aligned(sizes.view(np.uint8)))  # equal constants share a buffer
    constant.buffer = len(tree.buffers) - 1
    if options is not None:
        options.newShape = sizes


def run(model: bytes, images: np.ndarray) -> np.ndarray:
    """Return the first output for one batch, as float32; int8 is scaled on both sides."""
    work = Interpreter(model_content=model)
    (source,), sink = work.get_input_details(), work.get_output_details()[0]
    work.resize_tensor_input(source["index"], images.shape)
    work.allocate_tensors()
    scale, zero = source["quantization"]
    if scale:
        limits = np.iinfo(source["dtype"])
        images = np.clip(np.rint(images / scale + zero), limits.min, limits.max)
    work.set_tensor(source["index"], images.astype(source["dtype"]))
    work.invoke()
    found = work.get_tensor(sink["index"])
    scale, zero = sink["quantization"]
    return (found.astype(np.float32) - zero) * np.float32(scale) if scale else found


def check(model: bytes, onnx_file: Path, images: np.ndarray, exact: bool) -> float:
    """Return the relative error against ONNX; ValueError if it runs at one batch but not another.

    The error is the root mean square difference over the spread of the reference. `exact` asks for
    agreement within MOST_DIFFERENCE.
    """
    session = InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"image": images})[0]
    for batch in BATCHES:
        found = run(model, images[:batch])
        worst = float(np.abs(found - wanted[:batch]).max())
        if exact and not worst <= MOST_DIFFERENCE:
            raise ValueError(f"differs from {onnx_file.name} by {worst:.3g} at batch {batch}")
    found = run(model, images)
    return float(np.sqrt(((found - wanted) ** 2).mean()) / wanted.std())


def classifier(onnx_file: Path) -> nn.Module:
    """Return the torch classifier of train.py with the weights of its ONNX export."""
    from train import Classifier

    net = Classifier().eval()
    net.fold()
    tensors = onnx.load(onnx_file).graph.initializer
    net.load_state_dict({t.name: torch.from_numpy(to_array(t).copy()) for t in tensors})
    return net


def export(onnx_file: Path, folder: Path, cached: Path) -> dict[str, Any]:
    """Write the files beside each other in `folder`; return what they are and what made them."""
    data = open_dataset(DATA, HERE, None, cached)
    images = data.calibration(CALIBRATION_CASES)["image"]
    base = convert(classifier(onnx_file), "logits", images.shape[1:])
    files: dict[str, Any] = {}
    for name in ("fp32", *SHIPPED):
        cases = ({"image": images[row : row + 1]} for row in range(len(images)))
        model = open_batch(base if name == "fp32" else quantize(base, name, cases))
        error = check(model, onnx_file, images, exact=name == "fp32")
        path = folder / f"{onnx_file.stem}-{name}.tflite"
        path.write_bytes(model)
        digest = hashlib.sha256(model).hexdigest()
        print(f"{path.name}: {len(model)} bytes, relative error {error:.2g}, sha256 {digest}")
        files[path.name] = {"sha256": digest, "bytes": len(model)}
    return {
        "source": {onnx_file.name: hashlib.sha256(onnx_file.read_bytes()).hexdigest()},
        "libraries": {library: version(library) for library in LIBRARIES},
        "calibration": {**DATA, "cases": CALIBRATION_CASES},
        "files": files,
    }


def main() -> None:
    """Export, and write down the provenance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=cache())
    parser.add_argument("--output", type=Path, default=HERE)
    asked = parser.parse_args()
    made = export(HERE / "chest_xray.onnx", asked.output, asked.cache)
    text = json.dumps(made, indent=1) + "\n"
    (asked.output / "tflite.provenance.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
