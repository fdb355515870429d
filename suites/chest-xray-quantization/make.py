"""Write residual.onnx: the quickstart's classifier with its batch norms put back.

Run in the checkout, with the `compress` extra: python suites/chest-xray-quantization/make.py
Nothing is trained, and the network computes what suites/quickstart/chest_xray.onnx computes, so
that the quickstart's TFLite files are this network's, too. The same versions give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from torch import nn

from benchhub.compress.files.architecture import Architecture, write_onnx
from benchhub.config.folders import cache
from benchhub.tasks.chest_xray.dataset import open_dataset
from benchhub.tasks.chest_xray.model import INPUT, OUTPUT, Classifier

HERE = Path(__file__).parent
QUICKSTART = HERE.parent / "quickstart" / "chest_xray.onnx"
#: The data of suite.toml; the statistics are those of its training patients.
DATA = {"seed": 14, "size": 64, "train_patients": 60, "test_patients": 300}
#: How far a logit may be from the quickstart's.
MOST_DIFFERENCE = 1e-4


def with_norms(folded: Path, images: torch.Tensor) -> Classifier:
    """Return the classifier of an ONNX file without batch norms, with norms that change nothing.

    A norm's running statistics are those of what its convolution makes of `images`, its weight and
    bias undo them: statistics may be renewed, and weights say how strong a channel is.
    """
    bare = Classifier().eval()
    bare.fold()
    tensors = {item.name: to_array(item) for item in onnx.load(str(folded)).graph.initializer}
    bare.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in tensors.items()})
    made: dict[str, torch.Tensor] = {}
    for name, module in bare.named_modules():
        if isinstance(module, nn.Conv2d):
            keep = lambda _, __, output, name=name: made.__setitem__(name, output)
            module.register_forward_hook(keep)
    whole = Classifier().eval()
    with torch.inference_mode():
        bare(images)
        for name, output in made.items():
            norm = whole.get_submodule(name.replace("conv", "norm"))
            assert isinstance(norm, nn.BatchNorm2d)
            mean, variance = output.mean((0, 2, 3)), output.var((0, 2, 3))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.copy_(mean)
    whole.load_state_dict(bare.state_dict(), strict=False)
    return whole


def main() -> None:
    """Write the file, and say how it compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=cache())
    parser.add_argument("--output", type=Path, default=HERE / "residual.onnx")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = open_dataset(DATA, HERE, None, asked.cache)
    images = torch.from_numpy(np.asarray(data.training().inputs[INPUT]))
    net = with_norms(QUICKSTART, images)
    architecture = Architecture("chest_xray", "residual")
    write_onnx(net, architecture, images[:1], asked.output, INPUT, OUTPUT)
    worst = difference(QUICKSTART, asked.output, images.numpy())
    if not worst <= MOST_DIFFERENCE:
        raise ValueError(f"{asked.output} differs from {QUICKSTART.name} by {worst:.3g}")
    blob = asked.output.read_bytes()
    print(f"{asked.output}: {len(blob)} bytes, sha256 {hashlib.sha256(blob).hexdigest()}")
    print(f"largest difference of a logit from {QUICKSTART.name}: {worst:.2g}")


def difference(one: Path, other: Path, images: np.ndarray) -> float:
    """Return the largest absolute difference between the outputs of two ONNX files."""
    from onnxruntime import InferenceSession

    found = [
        InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {INPUT: images})[0]
        for path in (one, other)
    ]
    return float(np.abs(found[0] - found[1]).max())


if __name__ == "__main__":
    main()
