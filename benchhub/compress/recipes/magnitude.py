"""Magnitude pruning: the smallest weights of convolutions and linear layers become zero.

Zeros stay where they are: the graph, its file size and its speed in a dense runtime are those of
the source. What shrinks is the file's gzip, and `sparse_bytes` of the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchhub.compress.files.counting.weights.count import count_weights
from benchhub.compress.files.plain_graph import plain
from benchhub.compress.files.sparse_size import sparse_bytes
from benchhub.compress.networks.masks import Masks, apply, choose_masks, density
from benchhub.compress.networks.prunable import PrunableWeight, held, prunable_weights
from benchhub.compress.recipe import Ingredients
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array, Settings

if TYPE_CHECKING:
    import onnx
    from torch import nn

    from benchhub.compress.networks.training import TrainingLog


def make_pruned(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with all but one of `compression` prunable weights set to zero.

    Prunable are float32 weights of Conv, ConvTranspose, Gemm and MatMul, in branches and bodies of
    loops too; normalisation and biases are not. Options: `compression` (4: one weight in four
    stays), `scope` (layer, or network: one ranking of all weights), `keep` (1: weights that every
    layer keeps; 0 lets one be emptied), `only` (names of submodules, or of nodes with branches,
    separated by commas), `heads` (true: the last layers are pruned, too), `steps` (1; in n steps
    the ratio of step i is the i/n-th power of `compression`), `finetune_epochs` (0; after each
    step, zeros held at zero), `finetune_cases` (0: all), `learning_rate` (0: the model's),
    `recalibrate` (0; batches for new statistics of batch normalisations, at the end), `seed`.

    Without training and recalibration any ONNX file will do, and torch is not needed; with them it
    must be benchhub's own. Raises ConfigError for a model without prunable weights, for names that
    it does not have, and for a compression that leaves too few weights.
    """
    import onnx

    assert source is not None  # the table says that it reads ONNX
    model = plain(onnx.load(str(source)))
    trains = options["finetune_epochs"] or options["recalibrate"]
    names = _chosen(prunable_weights(model.graph, inside=not trains), options, source)
    facts = {
        "requested_compression": f"{options['compression']:g}",
        "params": str(count_weights(model)[0]),
    }
    if trains:
        facts |= _with_torch(source, output, names, options, ingredients)
    else:
        _on_initializers(model, names, options)
        onnx.save(model, str(output))
    left = _arrays(onnx.load(str(output)).graph, names)
    return facts | density(left).facts() | {"sparse_bytes": str(sparse_bytes(output))}


def _chosen(
    weights: tuple[PrunableWeight, ...], options: Settings, source: Path
) -> tuple[str, ...]:
    """Return the names of the weights that are to be pruned."""
    if not weights:
        raise ConfigError(
            f"{source}: it has no prunable weights (float32 weights of Conv, ConvTranspose, Gemm or"
            " MatMul); prune before quantizing, or leave this model as it is"
        )
    wanted = [one.strip() for one in options["only"].split(",") if one.strip()]
    for prefix in wanted:
        if not any(_below(weight.name, prefix) for weight in weights):
            known = {part for weight in weights for part in _ancestors(weight.name)}
            raise ConfigError(f"only: {source} has no weights in {prefix}{nearest(prefix, known)}")
    chosen = tuple(
        weight.name
        for weight in weights
        if (options["heads"] or not weight.head)
        and (not wanted or any(_below(weight.name, prefix) for prefix in wanted))
    )
    if not chosen:
        raise ConfigError(
            f"{source}: with heads = false nothing is left to prune; set heads = true, or name"
            " other submodules in `only`"
        )
    return chosen


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix.rstrip(".") + ".")


def _ancestors(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, max(2, len(parts)))]


def _arrays(graph: onnx.GraphProto, names: tuple[str, ...]) -> dict[str, Array]:
    from onnx.numpy_helper import to_array

    tensors = held(graph)
    return {name: to_array(tensors[name]) for name in names}


def _on_initializers(model: onnx.ModelProto, names: tuple[str, ...], options: Settings) -> None:
    from onnx.numpy_helper import from_array

    weights = _arrays(model.graph, names)
    masks = choose_masks(weights, options["compression"], options["scope"], options["keep"])
    tensors = held(model.graph)
    for name, mask in masks.items():
        tensors[name].CopyFrom(from_array(apply(weights[name], mask), tensors[name].name))


def _with_torch(
    source: Path,
    output: Path,
    names: tuple[str, ...],
    options: Settings,
    ingredients: Ingredients,
) -> dict[str, str]:
    from benchhub.compress.files.architecture import read_net, write_like
    from benchhub.compress.networks.training import fit, recalibrate, write_logs
    from benchhub.compress.recipes.train import training_cases
    from benchhub.tasks import get_model

    net, architecture = read_net(source)
    cases = training_cases(ingredients, options["finetune_cases"])
    module = get_model(architecture.task)
    logs: dict[str, TrainingLog] = {}
    for step in range(1, options["steps"] + 1):
        compression = options["compression"] ** (step / options["steps"])
        ingredients.progress(f"pruning to 1/{compression:.3g}, step {step} of {options['steps']}")
        masks = choose_masks(_values(net, names), compression, options["scope"], options["keep"])
        hold = _holding(net, masks)
        hold(net)
        if options["finetune_epochs"]:
            logs[f"step {step}"] = fit(
                net,
                cases,
                module,
                epochs=options["finetune_epochs"],
                seed=options["seed"] + step - 1,
                folder=ingredients.folder / f"step-{step}",
                progress=ingredients.progress,
                learning_rate=options["learning_rate"] or None,
                after_step=hold,
                most_threads=1,  # a suite has several, made at once
            )
    if options["recalibrate"]:
        recalibrate(net, cases, options["recalibrate"])
    write_like(net, source, output)
    if not logs:
        return {}
    write_logs(logs, output.with_name("training.json"))
    return logs[f"step {options['steps']}"].facts("finetune_")


def _values(net: nn.Module, names: tuple[str, ...]) -> dict[str, Array]:
    parameters: Mapping[str, Any] = dict(net.named_parameters())
    return {name: parameters[name].detach().numpy() for name in names}


def _holding(net: nn.Module, masks: Masks) -> Callable[[nn.Module], None]:
    """Return a function that sets the pruned weights of the network to zero again."""
    import torch

    held = {name: torch.from_numpy(mask) for name, mask in masks.items()}

    def hold(net: nn.Module) -> None:
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                if name in held:
                    # + 0.0: the product of a negative weight and 0 is -0.0
                    parameter.mul_(held[name]).add_(0.0)

    return hold
