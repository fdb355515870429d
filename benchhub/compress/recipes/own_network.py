"""Recipe `prune-network`: whole channels of a torch network of one's own go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchhub.compress.files.architecture import write_onnx
from benchhub.compress.networks.own import (
    OwnNetwork,
    built,
    cases_in,
    heads_of,
    loss_of,
    module_at,
)
from benchhub.compress.networks.training import write_logs
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.structured import pruned, size_of
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings
from benchhub.model.quality import Cases


def make_own(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write the network that `network` builds with `weights`, less its least channels, as ONNX.

    `data` is an .npz with its one input by name, and `labels` where it is fine-tuned. Other options
    are those of `prune-structured`; `ratio` 0 writes the network as it is. `output` names what it
    returns. The file's `HEADS` names submodules that stay as wide as they are (else: the layer
    called last), its `loss(outputs, labels)` what fine-tuning minimises.
    """
    for name in ("network", "weights", "data"):
        if not options[name]:
            raise ConfigError(f"prune-network: {name} is missing; name a file")
    beside = ingredients.beside
    where = f"{beside / options['network']}"
    module, function = module_at(where)
    net = built(where, module, function, beside / options["weights"])
    held = cases_in(beside / options["data"])
    ((input_name, inputs),) = held.inputs.items()
    example = torch.from_numpy(np.ascontiguousarray(inputs[:1]))
    _check(net, example)
    net.heads = heads_of(module, net, example)
    model = OwnNetwork(lambda found, _: found.sum())  # nobody asks for it
    if options["finetune_epochs"] or options["importance"] == "taylor":
        if not held.label_names:
            raise ConfigError(
                f"{options['data']}: has no `labels` to fine-tune on; add them, or leave out"
                " finetune_epochs"
            )
        model = OwnNetwork(loss_of(module, net, held))
    if not options["ratio"]:
        options = {**options, "recalibrate": 0}  # then it stays as it is
    before = size_of(net)

    def cases(count: int) -> Cases:
        return _first(held, count)

    pruner, logs = pruned(net, example, model, cases, options, ingredients)
    write_onnx(net, None, example, output, input_name, options["output"])
    write_logs(logs, output.with_name("training.json"))
    last = next(reversed(logs.values())).facts("finetune_") if logs else {}
    after = size_of(net)
    return {
        "network": options["network"],
        "source_params": str(before),
        "params": str(after),
        "compression_params": f"{before / after:.6g}",
        "requested_ratio": f"{options['ratio']:g}",
        "heads": ", ".join(net.heads),
        **pruner.facts(),
        **last,
        "seed": str(options["seed"]),
    }


def _check(net: nn.Module, example: Tensor) -> None:
    try:
        with torch.no_grad():
            found = net(example)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"the network cannot be called with one case of data: {text}") from error
    if not isinstance(found, Tensor):
        raise ConfigError(
            f"the network returns a {type(found).__name__}, and what can be pruned returns one"
            " tensor; wrap it in a module that does"
        )


def _first(held: Cases, count: int) -> Cases:
    if not count:
        return held
    inputs = {name: array[:count] for name, array in held.inputs.items()}
    ids = held.ids[:count]
    return Cases(inputs, held.labels[:count], ids, ids, held.label_names)
