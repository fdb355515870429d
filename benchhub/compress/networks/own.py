"""A torch network of one's own: a function in a file that builds it, its weights, and its cases.

The file is code that the user names, and is run; weights are a state_dict, read without pickle.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchhub.compress.recipes.converters import in_one_line
from benchhub.config.folders import expanded
from benchhub.errors import ConfigError, nearest
from benchhub.model.quality import Cases
from benchhub.outside.foreign.arrays import archive

_LABELS = "labels"


class OwnNetwork:
    """How a network of one's own is fitted: a `Trainable` of no network, for one that is built."""

    NETS: Mapping[str, Callable[..., nn.Module]] = {}
    LEARNING_RATE: float = 1e-3
    BATCH: int = 32
    INPUT: str = ""
    OUTPUT: str = ""

    def __init__(self, lossy: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._lossy = lossy

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return what is minimised."""
        return self._lossy(outputs, labels)

    def augment(
        self, images: Tensor, labels: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the batch as it is."""
        return images, labels


def module_at(text: str) -> tuple[ModuleType, str]:
    """Return the module of FILE.py:FUNCTION, run, and the function's name; ConfigError."""
    file, _, name = text.rpartition(":")
    path = expanded(file)
    if not file or not name or path.suffix != ".py":
        raise ConfigError(f"network = {text!r}: should be FILE.py:FUNCTION")
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; network names FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(f"benchhub_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise ConfigError(
            f"{path}: cannot be run: {_said(error)}; it has to be one file that imports only what"
            " is installed"
        ) from error
    return module, name


def built(text: str, module: ModuleType, name: str, weights: Path) -> nn.Module:
    """Return the network with its weights, in evaluation mode; ConfigError in one line."""
    make = getattr(module, name, None)
    if not callable(make):
        known = [one for one, of in vars(module).items() if callable(of) and one[0] != "_"]
        raise ConfigError(f"network = {text!r}: no function {name}{nearest(name, known)}")
    try:
        net = make()
    except (Exception, SystemExit) as error:
        raise ConfigError(f"network = {text!r}: {name}() failed: {_said(error)}") from error
    if not isinstance(net, nn.Module):
        raise ConfigError(
            f"network = {text!r}: {name}() returned a {type(net).__name__}, not a torch module"
        )
    try:
        state: Any = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ConfigError(
            f"{weights}: holds no state_dict that can be read without running code;"
            f" write it with torch.save(net.state_dict(), FILE) ({_said(error)})"
        ) from error
    if not isinstance(state, Mapping):
        raise ConfigError(f"{weights}: holds a {type(state).__name__}, not a state_dict")
    try:
        net.load_state_dict(state)
    except Exception as error:
        raise ConfigError(f"{weights}: does not fit {name}(): {_said(error)}") from error
    return net.eval()


def cases_in(path: Path) -> Cases:
    """Return the one input and the labels in an .npz; where it has none, `label_names` is empty."""
    held = archive(path)
    labels = held.pop(_LABELS, None)
    if len(held) != 1:
        raise ConfigError(
            f"{path}: pruning wants one input beside `{_LABELS}`, not {len(held)}"
            f" ({', '.join(sorted(held)) or 'none'}); a network of several inputs cannot be pruned"
        )
    ((name, inputs),) = held.items()
    if inputs.ndim < 2 or not len(inputs):
        raise ConfigError(f"{path}: {name} has shape {inputs.shape}; its first axis is of cases")
    if labels is not None and labels.shape[:1] != inputs.shape[:1]:
        raise ConfigError(
            f"{path}: labels of shape {labels.shape} for {len(inputs)} cases of {name}"
        )
    ids = tuple(map(str, range(len(inputs))))
    found = np.zeros(len(inputs), np.int64) if labels is None else labels
    names = () if labels is None else (_LABELS,)
    return Cases({name: inputs}, found, ids, ids, names)


def loss_of(module: ModuleType, net: nn.Module, cases: Cases) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the file's own `loss(outputs, labels)`, or what the labels leave one reading of.

    Class indices beside a column a class are cross-entropy of logits, other numbers of the outputs'
    shape mean squared error. ConfigError for anything else: probabilities, 0 and 1 a column.
    """
    own = getattr(module, "loss", None)
    if callable(own):
        return own  # type: ignore[no-any-return]
    (inputs,) = cases.inputs.values()
    with torch.no_grad():
        outputs = net(torch.from_numpy(np.ascontiguousarray(inputs[:32])))
    labels = cases.labels
    seen = f"labels of {labels.dtype} {labels.shape}, outputs of {tuple(outputs.shape)}"
    ask = "write a function loss(outputs, labels) into the network's file"
    if labels.ndim == 1 and labels.dtype.kind in "iu" and outputs.ndim == 2:
        sums = outputs.sum(dim=1)
        if bool((outputs >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
            raise ConfigError(f"the network returns probabilities ({seen}); {ask}")
        if outputs.shape[1] > max(1, int(labels.max())) and int(labels.min()) >= 0:
            return lambda found, wanted: nn.functional.cross_entropy(found, wanted.long())
    binary = np.isin(labels, (0, 1)).all()
    if labels.shape[1:] == tuple(outputs.shape[1:]) and labels.dtype.kind == "f" and not binary:
        return lambda found, wanted: nn.functional.mse_loss(found, wanted.to(found.dtype))
    raise ConfigError(f"no loss follows from {seen}; {ask}")


def heads_of(module: ModuleType, net: nn.Module, example: Tensor) -> list[str]:
    """Return the file's HEADS, the network's `heads`, or else the layer that is called last."""
    for given in (getattr(module, "HEADS", None), getattr(net, "heads", None)):
        if isinstance(given, list | tuple):
            known = dict(net.named_modules())
            for name in given:
                if name not in known:
                    raise ConfigError(f"HEADS: no submodule {name!r}{nearest(str(name), known)}")
            return [str(name) for name in given]
    called: list[str] = []
    hooks = [
        one.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, one in net.named_modules()
        if isinstance(one, nn.Linear | nn.modules.conv._ConvNd)
    ]
    try:
        with torch.no_grad():
            net(example)
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1:]


def _said(error: Exception | SystemExit) -> str:
    told = error if isinstance(error, Exception) else RuntimeError(f"it exits with {error.code}")
    return f"{type(error).__name__}: {in_one_line(told)}"
