"""ONNX files that can be taken apart again: a network of a task, exported with what it is.

The file says in its metadata which network of which task it is and with which options; its
initializers carry the names of the network's state_dict. So a file, pruned or not, becomes a
torch network again, with every layer as wide as its weights are.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from benchhub.compress.files.exported import fold_constants, undo_sharing
from benchhub.compress.files.model_file import NO_ARCHITECTURE
from benchhub.compress.networks.resize import resize
from benchhub.compress.recipes.converters import in_one_line
from benchhub.compress.recipes.quiet import quiet
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings
from benchhub.tasks import get_model

if TYPE_CHECKING:
    import onnx

#: The key in the file's metadata.
KEY = "benchhub.architecture"
#: The newest that the exporter below writes by itself, and the IR version that goes with it.
_OPSET, _IR_VERSION = 17, 8


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of a task's model module, and the keyword options it is built from."""

    task: str
    net: str
    options: Settings = field(default_factory=dict)


def build_net(architecture: Architecture, seed: int = 0) -> nn.Module:
    """Return the network with fresh weights, in evaluation mode; ConfigError if there is none."""
    nets = get_model(architecture.task).NETS
    if architecture.net not in nets:
        raise ConfigError(
            f"net {architecture.net!r} is unknown to task {architecture.task}"
            f"{nearest(architecture.net, nets)}"
        )
    make = nets[architecture.net]
    known = _options_of(make)
    for name in architecture.options:
        if known is not None and name not in known:
            raise ConfigError(f"{architecture.net}.{name} is unknown{nearest(name, known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return make(**architecture.options).eval()
        except (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError) as error:
            raise ConfigError(
                f"net {architecture.net} cannot be built with {dict(architecture.options)}:"
                f" {in_one_line(error)}"
            ) from error


def _options_of(make: Callable[..., nn.Module]) -> list[str] | None:
    """Return the keyword options of a network; None if it takes any."""
    found = inspect.signature(make).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in found):
        return None
    return [one.name for one in found]


def write_onnx(
    net: nn.Module,
    architecture: Architecture | None,
    example: Tensor,
    output: Path,
    input_name: str,
    output_name: str,
) -> None:
    """Write `net` as ONNX with an open batch axis; the same network gives the same bytes.

    `architecture` None: it is of no task, and cannot be read back. `example` is a batch of one or
    more cases, shape (batch, ...). Batch normalisations stay nodes of their own, which runtimes
    fold when they load the file.
    """
    import onnx

    with quiet(), torch.no_grad():
        torch.onnx.export(
            net.eval(),
            (example,),
            str(output),
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={input_name: {0: "batch"}, output_name: {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
            # in any other mode the exporter folds batch normalisations into convolutions
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    model = onnx.load(str(output))
    undo_sharing(model.graph)
    fold_constants(model.graph)
    model.ir_version = _IR_VERSION
    model.ClearField("doc_string")
    for node in model.graph.node:
        node.ClearField("doc_string")
    if architecture is not None:
        options = dict(architecture.options)
        told = {"task": architecture.task, "net": architecture.net, "options": options}
        onnx.helper.set_model_props(model, {KEY: json.dumps(told, sort_keys=True)})
    onnx.save(model, str(output))


def write_like(net: nn.Module, source: Path, output: Path) -> None:
    """Write `net`, which was read from `source` and changed, with the same inputs and outputs."""
    model, architecture = _load(source)
    names = model.graph.input[0].name, model.graph.output[0].name
    write_onnx(net, architecture, example_of(source), output, *names)


def read_net(path: Path) -> tuple[nn.Module, Architecture]:
    """Return the network in an ONNX file of benchhub's own, in evaluation mode, and what it is.

    Raises ConfigError for a file without its architecture, of a network that is not there any
    more, or whose weights do not fit it.
    """
    from onnx.numpy_helper import to_array

    model, architecture = _load(path)
    net = build_net(architecture)
    arrays = {tensor.name: to_array(tensor) for tensor in model.graph.initializer}
    groups = {
        node.input[1]: attribute.i
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "group"
    }
    wanted = {name: value for name, value in net.state_dict().items() if value.dim()}
    missing = sorted(wanted.keys() - arrays.keys())
    if missing:
        raise ConfigError(
            f"{path}: it has no weights {missing[0]}, as {architecture.net} of task"
            f" {architecture.task} has; name a variant in `from` that is not quantized yet"
        )
    state = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in wanted}
    resize(net, state, groups, path)
    net.load_state_dict(state, strict=False)  # counters of batches are not in the file
    return net.eval(), architecture


def example_of(path: Path) -> Tensor:
    """Return one case of zeros that fits the input of an ONNX file of benchhub's own."""
    sizes = [dim.dim_value for dim in _load(path)[0].graph.input[0].type.tensor_type.shape.dim]
    if not all(sizes[1:]):
        raise ConfigError(f"{path}: only the batch axis of its input may be open; fix the others")
    return torch.zeros(1, *sizes[1:])


def _load(path: Path) -> tuple[onnx.ModelProto, Architecture]:
    import onnx

    model = onnx.load(str(path))
    found = {entry.key: entry.value for entry in model.metadata_props}
    if KEY not in found:
        raise ConfigError(f"{path}: {NO_ARCHITECTURE}")
    try:
        stored: Mapping[str, Any] = json.loads(found[KEY])
        return model, Architecture(stored["task"], stored["net"], dict(stored["options"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: its metadata {KEY} is damaged ({error}); export it again"
        ) from (error)
