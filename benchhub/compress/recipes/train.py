"""Recipe `train`: a baseline from nothing but the task's training cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from benchhub.compress.files.architecture import Architecture, build_net, write_onnx
from benchhub.compress.networks.training import bn_l1, fit, write_logs
from benchhub.compress.recipe import Ingredients
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings
from benchhub.model.quality import Cases
from benchhub.tasks import get_model

#: Options of the recipe; all others are those of the network.
_OWN = ("net", "epochs", "cases", "seed", "learning_rate", "bn_l1")


def make_trained(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Train one of the task's networks from fresh weights, and write it.

    Options: `net` ("": the task's first), `epochs`, `cases` (0: all), `seed`, `learning_rate` (0:
    the model's), `bn_l1` (the regulariser of importance `bn`), and those of the network.
    """
    model = get_model(ingredients.task)
    own = {key: value for key, value in options.items() if key not in _OWN}
    architecture = Architecture(ingredients.task, options["net"] or next(iter(model.NETS)), own)
    net = build_net(architecture, options["seed"])
    cases = training_cases(ingredients, options["cases"])
    log = fit(
        net,
        cases,
        model,
        epochs=options["epochs"],
        seed=options["seed"],
        folder=ingredients.folder,
        progress=ingredients.progress,
        learning_rate=options["learning_rate"] or None,
        penalty=bn_l1(options["bn_l1"]),
    )
    ((input_name, images),) = cases.inputs.items()
    example = torch.zeros(1, *images.shape[1:])
    write_onnx(net, architecture, example, output, input_name, model.OUTPUT)
    write_logs({"train": log}, output.with_name("training.json"))
    return {"net": architecture.net, "seed": str(options["seed"]), **log.facts("train_")}


def training_cases(ingredients: Ingredients, count: int) -> Cases:
    """Return the first `count` training cases (0: all); ConfigError if the task has none."""
    if ingredients.training is None:
        raise ConfigError(
            f"task {ingredients.task} has no training cases; use recipes that do not train"
        )
    return ingredients.training(count or None)
