"""Recipe `prune-structured`: whole channels go, over torch-pruning's dependency graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from benchhub.compress.files.architecture import example_of, read_net, write_like
from benchhub.compress.files.counting.macs import count_macs
from benchhub.compress.networks.channel_graph import channel_graph
from benchhub.compress.networks.importance import choose, score_groups, set_gradients
from benchhub.compress.networks.training import TrainingLog, bn_l1, fit, recalibrate, write_logs
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.reproducible import reproducible
from benchhub.compress.recipes.train import training_cases
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings
from benchhub.model.quality import Cases
from benchhub.tasks import Trainable, get_model


def make_structured(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with the channels taken out that matter least.

    Options: `ratio` (of the channels; every layer keeps one), `importance` (l1, l2, bn, taylor,
    lamp, random), `importance_cases` (of taylor), `scope` (local: the ratio in every layer;
    global: one ranking), `steps` (the share that stays shrinks by the same factor in each),
    `finetune_epochs` (after each step), `finetune_cases` (0: all), `learning_rate` (0: the
    model's), `bn_l1` (the regulariser of importance bn, while fine-tuning), `recalibrate`
    (batches; statistics are renewed where nothing is fine-tuned), `seed`. The network's heads stay
    as they are.
    """
    assert source is not None  # the table says that it reads ONNX
    net, architecture = read_net(source)
    before = _size(net, source)

    def cases(count: int) -> Cases:
        return training_cases(ingredients, count)

    model = get_model(architecture.task)
    pruner, logs = pruned(net, example_of(source), model, cases, options, ingredients)
    write_like(net, source, output)
    write_logs(logs, output.with_name("training.json"))
    last = next(reversed(logs.values())).facts("finetune_") if logs else {}
    after = _size(net, output)
    return {
        **{f"source_{name}": str(value) for name, value in before.items()},
        **{name: str(value) for name, value in after.items()},
        "compression_params": f"{before['params'] / after['params']:.6g}",
        "requested_ratio": f"{options['ratio']:g}",
        **pruner.facts(),
        **last,
        "seed": str(options["seed"]),
    }


def pruned(
    net: nn.Module,
    example: Tensor,
    model: Trainable,
    cases: Callable[[int], Cases],
    options: Settings,
    ingredients: Ingredients,
) -> tuple[ChannelPruner, dict[str, TrainingLog]]:
    """Take channels out of `net` in place, step by step, and mend it after each as options say.

    `model` says how it is fitted, `cases(n)` are the first n training cases (0: all). Returns what
    did it, and the logs of what was fine-tuned.
    """
    pruner = ChannelPruner(net, example, options["importance"], options["scope"])
    logs: dict[str, TrainingLog] = {}
    for step in range(1, options["steps"] + 1):
        share = (1 - options["ratio"]) ** (step / options["steps"])
        ingredients.progress(f"pruning channels to {share:.3%}, step {step} of {options['steps']}")
        with reproducible(options["seed"] + step, threads=1):
            if options["importance"] == "taylor":
                set_gradients(net, cases(options["importance_cases"]), model)
            pruner.prune_to(share)
        log = _repair(net, model, cases, step, options, ingredients)
        if log is not None:
            logs[f"step {step}"] = log
    pruner.check_output()
    return pruner, logs


def size_of(net: nn.Module) -> int:
    """Return how many weights a network has, statistics of normalisations included."""
    return sum(value.numel() for value in net.state_dict().values() if value.dim())


def _size(net: nn.Module, path: Path) -> dict[str, int]:
    """Return the weights and multiply-accumulates of a network, which is in the ONNX file."""
    import onnx

    params = size_of(net)
    macs = count_macs(onnx.load(str(path))).macs
    return {"params": params} | ({} if macs is None else {"macs": macs})


def _repair(
    net: nn.Module,
    model: Trainable,
    cases: Callable[[int], Cases],
    step: int,
    options: Settings,
    ingredients: Ingredients,
) -> TrainingLog | None:
    """Fine-tune, or else renew the statistics of batch normalisations, as the options say."""
    net.zero_grad(set_to_none=True)
    if options["finetune_epochs"]:
        return fit(
            net,
            cases(options["finetune_cases"]),
            model,
            epochs=options["finetune_epochs"],
            seed=options["seed"] + step - 1,
            folder=ingredients.folder / f"step-{step}",
            progress=ingredients.progress,
            learning_rate=options["learning_rate"] or None,
            penalty=bn_l1(options["bn_l1"]),
            most_threads=1,  # a suite has several, made at once
        )
    if options["recalibrate"]:
        recalibrate(net, cases(options["finetune_cases"]), options["recalibrate"])
    return None


class ChannelPruner:
    """A network on its way to fewer channels, by an importance within a scope."""

    def __init__(self, net: nn.Module, example: Tensor, importance: str, scope: str) -> None:
        self._net, self._example = net, example
        self._importance, self._scope = importance, scope
        self._heads = [net.get_submodule(name) for name in getattr(net, "heads", ())]
        with torch.no_grad():
            self._shape = net(example).shape
        self._names = {module: name for name, module in net.named_modules()}
        self._initial: dict[nn.Module, int] = {}
        self._left: dict[nn.Module, int] = {}

    def prune_to(self, share: float) -> None:
        """Prune until `share` of the channels that there were at first is left."""
        graph = channel_graph(self._net, self._example)
        groups = score_groups(self._net, graph, self._heads, self._importance)
        if not groups:
            raise ConfigError("the network has no layer but its heads")
        for group in groups:
            self._initial.setdefault(group.layer, len(group.scores))
        initial = [self._initial[group.layer] for group in groups]
        for group, chosen in zip(groups, choose(groups, initial, share, self._scope), strict=True):
            self._left[group.layer] = len(group.scores) - len(chosen)
            if not chosen:
                continue
            whole = graph.get_pruning_group(group.layer, group.prune, group.indices(chosen))
            if not graph.check_pruning_group(whole):
                raise ConfigError(
                    f"{self._names[group.layer]} cannot lose {len(chosen)} of its"
                    f" {len(group.scores)} channels without emptying a layer that depends on it;"
                    " lower ratio"
                )
            whole.prune()

    def check_output(self) -> None:
        """Raise ConfigError unless the network still answers in the shape that it did."""
        self._net.eval()
        with torch.no_grad():
            shape = self._net(self._example).shape
        if shape != self._shape:
            raise ConfigError(
                f"the output has become {tuple(shape)}, not {tuple(self._shape)};"
                " name every submodule that makes the output in the network's `heads`"
            )

    def facts(self) -> dict[str, str]:
        """Return how many channels are left."""
        left, initial = sum(self._left.values()), sum(self._initial.values())
        smallest = min(self._left, key=lambda layer: self._left[layer])
        return {
            "achieved_ratio": f"{1 - left / initial:.6g}",
            "channels": f"{left} of {initial}",
            "fewest_channels": f"{self._left[smallest]} in {self._names[smallest]}",
        }
